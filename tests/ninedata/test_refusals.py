"""The words with which the API may refuse a query: its own, and those of gateways and databases that it passes on."""

import pytest

from exporter.ninedata.refusals import reason_of_refusal

CODES = {
    "auth": """SIGNATURE_WRONG SignatureDoesNotMatch InvalidSignature SignatureNonceUsed ACCESS_KEY_UNKNOWN
        AccessKeyIdEmpty InvalidAccessKeyId.NotFound InvalidAccessKeyId.Inactive ACCESSKEY_NOT_EXIST TIMESTAMP_EXPIRED
        InvalidTimeStamp.Expired PERMISSION_DENY AccessDenied FORBIDDEN UNAUTHORIZED Unauthorized AuthFailure""",
    "not_found": "PRECHECK_TASK_NOT_FOUND REPLICATION_NOT_FOUND TASK_NOT_EXIST TaskNotFound NOT_FOUND",
    "rate_limited": """Throttling Throttling.User TooManyRequests TOO_MANY_REQUESTS RequestLimitExceeded
        RATE_LIMIT_EXCEEDED FLOW_CONTROL""",
    "api_error": """WORKFLOW_CONTROL_ERROR COMMERCIAL_INSUFFICIENT_QUOTA E-4711 500 TIMESTAMP_COLUMN_NOT_EXIST
        FUNCTION_SIGNATURE_MISMATCH SECONDARY_KEY_NOT_FOUND DATASOURCE_NOT_FOUND TABLE_NOT_EXIST UNKNOWN_COLUMN
        DATASOURCE_ACCESS_DENIED TABLE_PERMISSION_DENIED TOO_MANY_CONNECTIONS TASK_LIMIT_EXCEEDED INTERNAL_ERROR
        ProvisionedThroughputExceededException RESOURCE_EXHAUSTED""",
}


@pytest.mark.parametrize(("reason", "code"), [(reason, code) for reason in CODES for code in CODES[reason].split()])
def test_a_code_counts_as_a_whole(reason: str, code: str) -> None:
    """Also where it is the message."""
    assert reason_of_refusal(code, "") == reason_of_refusal("", code) == reason


MESSAGES = {
    "auth": """
        wrong signature
        signature mismatch
        Signature does not match
        The request signature we calculated does not match the signature you provided. Check your key.
        Specified access key is not found.
        Access key ak-1234 is disabled
        Invalid access key: ak-1234
        header signature is missing
        Invalid timestamp, set your clock
        Request refused. The timestamp has expired.
        timestamp is more than 10 minutes from the server's clock
        timestamp is not of the form 2024-05-31T09:15:33Z
        Specified time stamp or date value is expired.
        Request has expired.
        The difference between the request time and the server's time is too large.
        签名错误
        签名验证失败,请检查密钥
        无效的签名
        AccessKeyId ak-1234 已禁用
        时间戳已过期
        请求已过期
    """,
    "not_found": """
        precheck task not found
        Task [cd-tg3isu1xgs] doesn't exist
        replication rp-1 not found
        Can't find the precheck task.
        no such precheck
        预检查任务不存在
        任务[cd-tg3isu1xgs]不存在
        该复制任务不存在
        找不到对应的任务
        数据对比任务已被删除
    """,
    "rate_limited": """
        请求被限流
        Too many requests, please try again later.
        API rate limit exceeded
        Rate exceeded
        Request was denied due to request throttling.
        请求过于频繁
        访问频率过高,请稍后再试
        接口已被限流
    """,
    # What databases say
    "api_error": """
        ERROR: column "timestamp" does not exist
        Timestamp column is missing in table orders
        invalid input syntax for type timestamp: "2024-13-01"
        Invalid timestamp: '0000-00-00 00:00:00'
        Incorrect TIMESTAMP value: '0000-00-00' for column 'updated_at' at row 1
        permission denied for schema public
        Access denied for user 'repl'@'10.0.0.5' (using password: YES)
        Access denied; you need (at least one of) the REPLICATION CLIENT privilege(s) for this operation
        The SELECT permission was denied on the object 'orders', database 'shop', schema 'dbo'.
        not authorized on admin to execute command { listDatabases: 1 }
        Authentication failed.
        Table 'shop.task' doesn't exist
        relation "task" does not exist
        replication slot "ninedata" does not exist
        ORA-00942: table or view does not exist
        Unknown column 'access_key' in 'field list'
        No database selected. Table signature not found in it.
        Foreign key not found
        Multi-statement signature does not match
        function signature does not match
        Too many connections
        User 'repl' has exceeded the 'max_questions' resource (current value: 100)
        The AWS Access Key Id you provided does not exist in our records.
        对表 orders 权限不够
        关系 "task" 不存在
        字段 时间戳 不存在
        时间戳列不存在
        用户 "repl" Password 认证失败
        数据源不存在
        源端没有 SELECT 权限
        任务限流配置有误
        任务的源表不存在
        upstream connect error or disconnect/reset before headers
        An internal error occurred while authenticating the datasource; permission denied (publickey)
    """,
}


@pytest.mark.parametrize(
    ("reason", "message"),
    [(reason, line.strip()) for reason, lines in MESSAGES.items() for line in lines.strip().splitlines()],
    ids=ascii,
)
def test_a_message_counts_if_a_sentence_is_about_the_request(reason: str, message: str) -> None:
    """Not if it is about a database's objects or accounts, whose words are the same."""
    assert reason_of_refusal("", message) == reason_of_refusal("E-4711", f"{message} ") == reason
