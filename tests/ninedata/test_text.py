"""Text from outside is made safe: printable, without credentials, bounded, quickly, and otherwise left alone."""

import time
from collections.abc import Callable

import pytest

from exporter.ninedata.text import clean, clean_name, cut, cut_middle, is_printable, text_of

UNTOUCHED = """\
Target tables are missing _sign and _version columns. Add the columns and run the precheck again.
Access denied for user 'ninedata_ro'@'10.20.4.17' (using password: YES)
Access denied for user 'ninedata_ro'@'10.20.4.17' (using password: NO). Check the account.
Failed to connect to ninedata_ro@10.20.4.17:3306
Verify the username and password of the datasource
GRANT SELECT, SHOW VIEW ON `orders`.* TO 'u'@'%'
GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'ninedata'@'10.0.0.0/255.0.0.0';
The account lacks the privilege SELECT on `mysql`.`user`
用户名或密码错误, 请检查
See https://docs.ninedata.cloud/precheck#targetDataExistCheck?lang=en&page=2
jdbc:mysql://10.20.4.17:3306/orders?useSSL=false
jdbc:oracle:thin:@db.example.com:1521/ORCL
binlog_row_image = FULL, binlog_format=ROW, gtid_mode=ON
lower_case_table_names differs: 0 <> 1
started at 12:30:45, dba@example.com was told
[::1]:3306 is not reachable, 10.20.4.17:3306 is
50 % of `t`.`c` is "NULL" \\ {"a": [1, 2]} <b>&amp;</b>
the pass rate is 100%; tokens of the full-text index differ
keyring_file plugin, password_lifetime policy and secret engine are not checked
innodb_ft_min_token_size: 3 <> 4, ngram_token_size=2 on the source but 3 on the target
validate_password_policy = LOW, validate_password.length=8, default_password_lifetime=0, old_passwords=OFF
password_encryption=scram-sha-256 must be md5, tokenizer=ngram, password_history: 6
(using password: 'YES')
Columns differ: password: varchar(32), token: text, secret: INT
column 'password': varchar(32) <> varchar(64)
each table must be identified by a primary key or unique key
The user is identified by its host, rows are identified by primary key
--password and --user are required
mysql 8.0 -partition by range
密码: 已过期, 请修改
密码过期时间: 90天
account:ninedata@10.20.4.17, Definer:app@localhost
SET @x:=@y
jdbc:mysql://h:3306/x?u=a@b
mongodb://h1:27017,h2:27017/?authSource=a@b
see mailto:dba@example.com, 账号:ninedata@10.20.4.17
syntax error, unexpected token: 'x' at line 1
Procedure signature: `p`(IN a INT) differs
Authorization: missing SELECT privilege
bypass: 1, compass=2
The column that is identified as 'id' is missing
"""

MASKED = [
    # in addresses
    ("mysql://root:hunter2@db:3306/x", "mysql://root:***@db:3306/x"),
    ("jdbc:mysql://root:a/b:c@db:3306", "jdbc:mysql://root:***@db:3306"),
    ("mongodb+srv://u:p%40q@a.example.com/?w=1", "mongodb+srv://u:***@a.example.com/?w=1"),
    ("redis://:hunter2@cache:6379", "redis://:***@cache:6379"),
    ("http://u:p@ss@proxy:3128, then http://x/", "http://u:***@proxy:3128, then http://x/"),
    ("cannot connect to root:hunter2@10.20.4.17:3306", "cannot connect to root:***@10.20.4.17:3306"),
    ("root:p@ss@db.example.com", "root:***@db.example.com"),
    ("jdbc:oracle:thin:scott/tiger@db.example.com:1521/ORCL", "jdbc:oracle:thin:scott/***@db.example.com:1521/ORCL"),
    ("root:hunter2@[::1]:3306", "root:***@[::1]:3306"),
    ("a:one@h1,b:two@h2", "a:***@h1,b:***@h2"),
    # key and value
    ("password=hunter2", "password=***"),
    ("passwd: hunter2, user: root", "passwd: ***, user: root"),
    ("user=root&pwd=hunter2&db=x", "user=root&pwd=***&db=x"),
    ("pass=hunter2;", "pass=***;"),
    ("Password = 'two words' and more", "Password = *** and more"),
    ('password="a\\"b" and more', "password=*** and more"),
    ("PASSWORD: hunter2)", "PASSWORD: ***)"),
    ("password=yes-really", "password=***"),
    ("password=no1knows", "password=***"),
    ("root_password=hunter2", "root_password=***"),
    ("password_hash: abcdef", "password_hash: ***"),
    ("secret_key = hunter2", "secret_key = ***"),
    ("accessKeySecret: hunter2", "accessKeySecret: ***"),
    ('{"secretKey": "hunter2", "a": 1}', '{"secretKey": ***, "a": 1}'),
    ('{"error": "{\\"password\\":\\"hunter2\\",\\"a\\":1}"}', '{"error": "{\\"password\\":***,\\"a\\":1}"}'),
    ("api-key: hunter2", "api-key: ***"),
    ("apikey=hunter2", "apikey=***"),
    ("access_token=hunter2", "access_token=***"),
    ("signature=0f4a3c7d29c2", "signature=***"),
    ("credential: hunter2", "credential: ***"),
    ("Authorization: Bearer hunter2", "Authorization: ***"),
    ("authorization: Basic dTpw", "authorization: ***"),
    ("密码\uff1ahunter2", "密码\uff1a***"),
    ("口令=hunter2 错误", "口令=*** 错误"),
    # statements and commands
    ("CREATE USER 'u'@'%' IDENTIFIED BY 'hunter2' REQUIRE SSL", "CREATE USER 'u'@'%' IDENTIFIED BY *** REQUIRE SSL"),
    ("alter user u identified by hunter2", "alter user u identified by ***"),
    (
        "IDENTIFIED WITH mysql_native_password BY 'hunter2';",
        "IDENTIFIED WITH mysql_native_password BY ***;",
    ),
    ("IDENTIFIED BY PASSWORD '*2470C0C06DEE'", "IDENTIFIED BY PASSWORD ***"),
    ("ALTER ROLE u PASSWORD 'hunter2'", "ALTER ROLE u PASSWORD ***"),
    ("SET PASSWORD FOR 'u'@'%' = PASSWORD('hunter2')", "SET PASSWORD FOR 'u'@'%' = PASSWORD(***)"),
    ("mysqldump --password=hunter2 x", "mysqldump --password=*** x"),
    ("mysqldump --password hunter2 x", "mysqldump --password *** x"),
    ("mysqldump -uroot -phunter2 x", "mysqldump -uroot -p*** x"),
    ("mysql -p1 < a && mysql -p2 < b", "mysql -p*** < a && mysql -p*** < b"),
    # however long they are
    ("token=" + "x" * 3000 + " expired", "token=*** expired"),
    ('"token": "' + "x y" * 1000 + '" expired', '"token": *** expired'),
    ("Authorization: Bearer " + "x" * 3000, "Authorization: ***"),
    ("IDENTIFIED BY '" + "x" * 3000 + "' REQUIRE SSL", "IDENTIFIED BY *** REQUIRE SSL"),
    ("mysql://root:" + "x" * 3000 + "@db", "mysql://root:***@db"),
    # with other words, marks and quotes
    ("Access key: hunter2", "Access key: ***"),
    ("secret access key = hunter2", "secret access key = ***"),
    ("AccountKey=hunter2==;EndpointSuffix=x", "AccountKey=***;EndpointSuffix=x"),
    ("MYSQL_PWD=hunter2 mysql -h h", "MYSQL_PWD=*** mysql -h h"),
    ("userPwd: hunter2", "userPwd: ***"),
    ("DB_PASS=hunter2", "DB_PASS=***"),
    ("dbPass=hunter2", "dbPass=***"),
    ('{"pass": "hunter2"}', '{"pass": ***}'),
    ("passphrase=hunter2", "passphrase=***"),
    ("密钥: hunter2", "密钥: ***"),
    ("password => 'hunter2'", "password => ***"),
    ("password=     hunter2", "password=     ***"),
    ("password='it''s hunter2' and more", "password=*** and more"),
    ('password="it""s hunter2" and more', "password=*** and more"),
    ('{"password": ["hunter2"], "a": 1}', '{"password": ***, "a": 1}'),
    ("PWD={hun;ter2};DATABASE=x", "PWD=***;DATABASE=x"),
    ("password=pa)hun,ter2;x&y'z", "password=***"),
    ("password=int.hunter2", "password=***"),
    ("password=hunter2;user=root", "password=***;user=root"),
    ("(password=hunter2)", "(password=***)"),
    ("Authorization: Token hunter2", "Authorization: ***"),
    ('Authorization: Digest username="u", response="hunter2"', "Authorization: ***"),
    ('"Authorization":["Bearer hunter2"]', '"Authorization":***'),
    ("GET /x: Bearer hunter2abcdefghijk", "GET /x: Bearer ***"),
    ("GRANT ALL TO u IDENTIFIED BY 'it''s hunter2' REQUIRE SSL", "GRANT ALL TO u IDENTIFIED BY *** REQUIRE SSL"),
    ("IDENTIFIED WITH mysql_native_password AS '*2470C0C06DEE'", "IDENTIFIED WITH mysql_native_password AS ***"),
    ("IDENTIFIED BY VALUES 'S:2470C0C06DEE';", "IDENTIFIED BY VALUES ***;"),
    ("ALTER USER u IDENTIFIED BY one REPLACE two", "ALTER USER u IDENTIFIED BY *** REPLACE ***"),
    ("SET PASSWORD FOR 'u'@'%' = 'hunter2'", "SET PASSWORD FOR 'u'@'%' = ***"),
    ("CREATE LOGIN u WITH PASSWORD = N'hunter2'", "CREATE LOGIN u WITH PASSWORD = ***"),
    ("CREATE ROLE u PASSWORD $$hunter2$$ LOGIN", "CREATE ROLE u PASSWORD *** LOGIN"),
    ("mysql -u root -p'two hunter2' db", "mysql -u root -p*** db"),
    ("mariadb-dump -uroot -phunter2 x", "mariadb-dump -uroot -p*** x"),
    ("sqlplus -s scott/hunter2@db:1521/orcl failed", "sqlplus -s scott/***@db:1521/orcl failed"),
    ("root:hunter2@/orders", "root:***@/orders"),
    # well-known forms
    (
        "-----BEGIN RSA PRIVATE KEY-----\nMIIhunter2\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----",
    ),
    ("key AKIAIOSFODNN7EXAMPLE is not allowed", "key *** is not allowed"),
    ("key LTAI5tAbcdefghijklmnop is not allowed", "key *** is not allowed"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3 expired", "*** expired"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + "x" * 2000 + ".", "***."),
]


@pytest.mark.parametrize("line", UNTOUCHED.splitlines())
def test_a_text_without_credentials_stays_as_it_is(line: str) -> None:
    """A reason that lost a word would mislead."""
    assert clean(line) == line


@pytest.mark.parametrize(("text", "expected"), MASKED, ids=[text[:60] for text, _ in MASKED])
def test_credentials_are_masked(text: str, expected: str) -> None:
    """The words around them stay."""
    assert clean(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("one\nPASSWORD=hunter2\ntwo", "one\nPASSWORD=***\ntwo"), ("a=b\n@c", "a=b\n@c")]
)
def test_masking_stays_within_its_line(text: str, expected: str) -> None:
    """The next line is another thing."""
    assert clean(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("dos\r\nlines", "dos\nlines"),
        ("  trimmed \n", "trimmed"),
        ("\x1b[31mred\x1b[0m", "�[31mred�[0m"),
        ("bell\x07 null\x00 del\x7f c1\x9b", "bell� null� del� c1�"),
        ("carriage\rreturn", "carriage�return"),
        ("line\u2028paragraph\u2029", "line�paragraph�"),
        ("evil\u202etxt.exe", "evil�txt.exe"),
        ("isolate\u2066x\u2069", "isolate�x�"),
        ("lone \ud800 surrogate \udfff", "lone � surrogate �"),
        ("none\ufffe\uffff", "none��"),
        ("中文 é 😀 \u200b", "中文 é 😀 \u200b"),
    ],
)
def test_a_text_has_no_unprintable_characters(text: str, expected: str) -> None:
    """Lines and tabs stay; what ends lines, moves cursors or cannot be encoded is replaced."""
    cleaned = clean(text)
    assert cleaned == expected
    cleaned.encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("srcDataSourceCheck", "srcDataSourceCheck"),
        ("  Target \t Connection\nCheck ", "Target Connection Check"),
        ("a\u2028b\x1bc\ud800", "a�b�c�"),
        ("", ""),
        (None, ""),
        (7, "7"),
        ("检查项", "检查项"),
    ],
)
def test_a_name_is_one_line(text: object, expected: str) -> None:
    """Runs of white space are one space."""
    assert clean_name(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        (None, ""),
        (5, "5"),
        (1.5, "1.5"),
        (True, "true"),
        (["one", "two"], "one; two"),
        ([], ""),
        (["one", 2], '["one", 2]'),
        ({"原因": "x"}, '{"原因": "x"}'),
    ],
)
def test_any_json_value_has_a_text(value: object, expected: str) -> None:
    """The API's own words for numbers, lists and objects where a text was expected."""
    assert text_of(value) == expected


@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 30, 31, 1000])
@pytest.mark.parametrize("shorten", [cut, cut_middle, lambda text, limit: clean(text, limit=limit)])
def test_a_text_is_cut_to_the_limit_and_shows_it(shorten: Callable[[str, int], str], length: int) -> None:
    """Up to the limit it is whole, beyond it there is an ellipsis."""
    text = ("0123456789" * 100)[:length]
    shortened = shorten(text, 30)
    assert len(shortened) <= 30
    assert (shortened == text) == (length <= 30)
    assert ("…" in shortened) == (length > 30)


def test_cutting_in_the_middle_keeps_both_ends() -> None:
    """A reason is said at the start, what to do about it mostly at the end."""
    text = "Tables are missing: " + ", ".join(f"t{n}" for n in range(1000)) + ". Create them and run again."
    assert cut_middle(text, 80) == "Tables are missing: t0, t1, t2, t3, t4, t5, t6, t7, … Create them and run again."


def test_names_are_cut_at_200_characters_and_texts_at_4000() -> None:
    """Nothing from outside is without bound."""
    assert len(clean_name("x" * 10_000_000)) == 200
    assert len(clean("x" * 10_000_000)) == 4000


@pytest.mark.parametrize("before", [" ", "token=" + "x" * 2500 + " ", "token=" + "x" * 2980 + " "])
@pytest.mark.parametrize("more", range(25))
def test_a_credential_is_masked_where_the_text_is_read_no_further(before: str, more: int) -> None:
    """What stood before it may be much shorter once it is masked."""
    limit = 500
    secret = "mysql://root:hunter2hunter2@db:3306"
    read = 2 * limit + 2048
    text = before.ljust(read - more, " ") + secret + " and so on" * 500
    assert "hun" not in clean(text, limit=limit)


@pytest.mark.parametrize("before", range(480, 501))
def test_a_credential_is_masked_where_the_text_is_cut_through_it(before: int) -> None:
    """Masking comes first: half a credential would not be recognised."""
    shown = clean("." * before + " mysql://root:hunter2hunter2@db:3306", limit=500)
    assert "hun" not in shown
    assert len(shown) <= 500


@pytest.mark.parametrize(
    ("text", "printable"),
    [
        ("srcDataSourceCheck", True),
        ("检查 项", True),
        ("", True),
        ("two\nlines", False),
        ("tab\t", False),
        ("\x1b[0m", False),
        ("\ud800", False),
        ("\u202e", False),
    ],
)
def test_whether_a_text_can_be_shown_as_it_is(text: str, printable: bool) -> None:  # noqa: FBT001 - a column
    """One line, and nothing that `clean` would replace."""
    assert is_printable(text) is printable


ADVERSARIAL = {
    "dotted words": "a.a.",
    "colons": "a:",
    "schemes": "://a:",
    "bare schemes": "://",
    "long passwords": "://" + "x" * 128 + ":" + "y" * 256 + " ",
    "ats": "a:b@",
    "broken web tokens": "eyJaaaaaaaa-",
    "almost web tokens": "eyJaaaaaaaaa.aa.",
    "keywords": "secret",
    "keywords and dashes": "token-",
    "keywords and spaces": "password    ",
    "keywords and equals": "password=",
    "open quotes": "password='\\",
    "statements": "identified with ",
    "commands": "mysql -q ",
    "cloud keys": "AKIA",
    "spaces": " ",
    "newlines": "\n",
    "unprintable": "\u202e",
}


@pytest.mark.parametrize("piece", ADVERSARIAL.values(), ids=ADVERSARIAL.keys())
def test_no_text_makes_cleaning_slow(piece: str) -> None:
    """20 kB of what a pattern likes least takes less than 50 times as long as 20 kB of prose."""

    def seconds(text: str) -> float:
        began = time.process_time()
        clean(text, limit=20_000)
        return time.process_time() - began

    prose = "The account lacks SELECT on 3 schemas: stock. Grant it and run the precheck again. " * 250
    text = piece * (20_000 // len(piece))
    assert min(seconds(text) for _ in range(3)) < 50 * max(min(seconds(prose[:20_000]) for _ in range(3)), 1e-4)
