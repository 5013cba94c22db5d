"""Credentials in texts from outside are masked in the forms that are certain; real messages of databases stay whole."""

import time

import pytest

from exporter.ninedata.masking import masked

HARMLESS = r"""
Access denied for user 'ninedata_ro'@'10.20.4.17' (using password: YES)
ERROR 1819 (HY000): Your password does not satisfy the current policy requirements
ERROR 1862 (HY000): Your password has expired. To log in you must change it using a client that supports it.
ERROR 1227 (42000): Access denied; you need (at least one of) the REPLICATION SLAVE privilege(s) for this operation
ERROR 1045 (28000): Plugin caching_sha2_password could not be loaded: /usr/lib/plugin/caching_sha2_password.so
ERROR 1064 (42000): You have an error in your SQL syntax near 'IDENTIFIED BY' at line 1
ERROR 2061 (HY000): Authentication plugin 'caching_sha2_password' reported error: requires secure connection.
validate_password_policy = LOW, validate_password.length=8, default_password_lifetime=0, validate_password = ON
innodb_ft_min_token_size: 3 <> 4, ngram_token_size=2 on the source but 3 on the target
GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'ninedata'@'10.0.0.0/255.0.0.0';
FATAL: password authentication failed for user "ninedata"
ERROR: column "password" of relation "users" does not exist
ERROR: syntax error at or near "password" LINE 1: ALTER ROLE app WITH password
password_encryption=scram-sha-256 must be md5
SELECT u.id FROM users u JOIN sessions s ON u.token = s.token WHERE u.password = ? AND s.secret = $1
ORA-01017: invalid username/password; logon denied
ORA-28001: the password has expired
ORA-28003: password verification for the specified password failed
ORA-12514, TNS:listener does not currently know of service requested in connect descriptor
(DESCRIPTION=(ADDRESS=(PROTOCOL=IPC)(KEY=EXTPROC1))(CONNECT_DATA=(SERVICE_NAME=ORCL)))
jdbc:oracle:thin:@db.example.com:1521/ORCL
Columns differ: PASSWORD: VARCHAR2(64) <> VARCHAR2(128), token: text, SECRET: NUMBER(10)
Login failed for user 'ninedata'. ClientConnectionId:bbe08372-78c6-49fa-bbdc-3e4bea19623c
Login failed for user 'sa'. Reason: Password did not match that for the login provided. [CLIENT: 10.20.4.17]
Msg 15118, Level 16, State 1: Password validation failed. The password is not complex enough for the policy.
Code: 516. DB::Exception: default: Authentication failed: password is incorrect, or there is no user with such name.
DB::Exception: Syntax error: failed at position 13 ('IDENTIFIED'): Unexpected token: 'x1y2z3'. (SYNTAX_ERROR)
Code: 193. DB::Exception: Invalid credentials. (WRONG_PASSWORD), users.d/default-password.xml
Column token: type Nullable(UInt64) <> UInt64, column api_key: UInt64
Communications link failure: jdbc:mysql://10.20.4.17:3306/orders?useSSL=false&mail=dba@example.com
mongodb://h1:27017,h2:27017/?authSource=a@b is not reachable, nor is [::1]:3306
java.sql.SQLException: The server time zone value 'CST' is unrecognized; started at 12:30:45, dba@example.com was told
table user_token: 12 rows differ
Invalid password: must have at least 8 characters
Column api_key: type mismatch
column 'password': varchar(32) <> varchar(64) COLLATE utf8mb4_bin
each table must be identified by a primary key, rows are identified by 'id', the user is identified by its host
account:ninedata@10.20.4.17, Definer:app@localhost, 账号:ninedata@10.20.4.17, mailto:dba@example.com
Authorization: missing SELECT privilege
用户名或密码错误, 请检查; 密码: 已过期, 密码过期时间: 90天
""".strip().splitlines()

WITH_CREDENTIALS = [
    # addresses
    ("mysql://root:hunter2@db:3306/x", "mysql://root:***@db:3306/x"),
    ("jdbc:mysql://root:a/b:c@db:3306", "jdbc:mysql://root:***@db:3306"),
    ("mongodb+srv://u:p%40q@a.example.com/?w=1", "mongodb+srv://u:***@a.example.com/?w=1"),
    ("redis://:hunter2@cache:6379", "redis://:***@cache:6379"),
    ("http://u:p@ss@proxy:3128, then http://x/", "http://u:***@proxy:3128, then http://x/"),
    ("mysql://root:" + "x" * 3000 + "@db", "mysql://root:***@db"),
    ("cannot connect to root:hunter2@10.20.4.17:3306", "cannot connect to root:***@10.20.4.17:3306"),
    ("app:hunter2@tcp(10.20.4.17:3306)/orders", "app:***@tcp(10.20.4.17:3306)/orders"),
    ("jdbc:oracle:thin:scott/tiger@db.example.com:1521/ORCL", "jdbc:oracle:thin:scott/***@db.example.com:1521/ORCL"),
    ("jdbc:oracle:oci:scott/tiger@ORCL is closed", "jdbc:oracle:oci:scott/***@ORCL is closed"),
    # a key, = and a value
    ("jdbc:mysql://db/x?user=root&password=hunter2&db=x", "jdbc:mysql://db/x?user=root&password=***&db=x"),
    ("Server=db;User Id=sa;Password=hunter2;Encrypt=True", "Server=db;User Id=sa;Password=***;Encrypt=True"),
    ("DRIVER={ODBC};UID=sa;PWD={hun;ter2};DATABASE=x", "DRIVER={ODBC};UID=sa;PWD=***;DATABASE=x"),
    ("password = 'it''s hunter2' and (secret=abc)", "password = *** and (secret=***)"),
    ("secret_key = hunter2, access_token=hunter2", "secret_key = ***, access_token=***"),
    ("passphrase=a, 密钥=b, 口令=c, 令牌=d", "passphrase=***, 密钥=***, 口令=***, 令牌=***"),
    ("mysqldump --password=hunter2 orders", "mysqldump --password=*** orders"),
    ("AccountKey=hunter2==;EndpointSuffix=x", "AccountKey=***;EndpointSuffix=x"),
    ("CREATE LOGIN u WITH PASSWORD = N'hunter2'", "CREATE LOGIN u WITH PASSWORD = ***"),
    # a key, a colon and a value
    ("passwd: hunter2, user: root", "passwd: ***, user: root"),
    ("Access key: 0f4a3c7d29", "Access key: ***"),
    ('{"secretKey": "hunter", "a": 1}', '{"secretKey": ***, "a": 1}'),
    ('{"error": "{\\"password\\":\\"hunter\\",\\"a\\":1}"}', '{"error": "{\\"password\\":***,\\"a\\":1}"}'),
    ("密码\uff1ahunter2 错误", "密码\uff1a*** 错误"),
    # headers
    ("Authorization: Bearer hunter2", "Authorization: ***"),
    ("authorization: Basic dTpw, retry", "authorization: *** retry"),
    ('Authorization: Digest username="u", response="hunter2"', "Authorization: ***"),
    ("Authorization: AWS4-HMAC-SHA256 Credential=x, Signature=y", "Authorization: ***"),
    ("401 for Bearer hunter2abcdefghijk", "401 for Bearer ***"),
    # statements
    ("CREATE USER 'u'@'%' IDENTIFIED BY 'hunter2' REQUIRE SSL", "CREATE USER 'u'@'%' IDENTIFIED BY *** REQUIRE SSL"),
    ("IDENTIFIED WITH mysql_native_password AS '*247'", "IDENTIFIED WITH mysql_native_password AS ***"),
    ("create user c##app identified by test1234;", "create user c##app identified by ***;"),
    ("ALTER ROLE u PASSWORD 'hunter2' LOGIN", "ALTER ROLE u PASSWORD *** LOGIN"),
    ("SET PASSWORD FOR 'u'@'%' = PASSWORD('hunter2')", "SET PASSWORD FOR 'u'@'%' = PASSWORD(***)"),
    ("SET PASSWORD FOR 'u'@'%' = 'hunter2'", "SET PASSWORD FOR 'u'@'%' = ***"),
    ("-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE", "-----BEGIN PRIVATE KEY-----***-----END PRIVATE"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMII", "-----BEGIN RSA PRIVATE KEY-----***"),
    # the next line is another thing
    ("one\nPASSWORD=hunter2\ntwo", "one\nPASSWORD=***\ntwo"),
]

# What makes each pattern start, and then search in vain.
HOSTILE = r"""
://a: :// a: a@ a:b@ oracle:thin:a/ password password=' password="\ a.password= secret- token:a token:aaaaaaaa 密码:
pwd": access-key token=). authorization: authorization:digest_ bearer_a identified_with_a_by_ user_a_identified_by_
password____ password_for_a -----BEGIN_PRIVATE_KEY----- -----BEGIN_ aaaa. a _ ' \
""".split()  # noqa: SIM905 - a list would take a line for each; _ is a space


@pytest.mark.parametrize("message", HARMLESS, ids=[message[:50] for message in HARMLESS])
def test_a_message_without_credentials_stays_as_it_is(message: str) -> None:
    assert masked(message) == message


@pytest.mark.parametrize(("text", "expected"), WITH_CREDENTIALS, ids=[text[:50] for text, _ in WITH_CREDENTIALS])
def test_a_credential_is_masked_and_the_words_around_it_stay(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize("piece", HOSTILE)
def test_every_pattern_takes_time_in_proportion_to_the_text(piece: str) -> None:
    """A tenth of a second for 100,000 characters; in proportion to their square it would be many seconds."""
    start = "= : @ :// oracle: password token secret key 密码 authorization bearer identified private key- "
    text = (start + piece.replace("_", " ") * 100_000)[:100_000]
    began = time.process_time()
    masked(text)
    assert time.process_time() - began < 1
