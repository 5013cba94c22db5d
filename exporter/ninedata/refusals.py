"""What the API means when it refuses a query: guessed from its words, because the vendor documents none.

A failure's text often quotes a database, whose own words are much the same: `column timestamp does not exist`,
`permission denied for table orders`. So a message counts only where a sentence begins with the key, the signature, the
timestamp, the request or the task. All else is api_error, and people read the message.
"""

import re

from exporter.ninedata.failures import Reason

# Codes and sentences are compared in lower case with `_` between the words, without words that say nothing.
_FILLERS = re.compile(
    r"\b(the|this|your|specified|given|provided|requested|header|is|was|has|been|does|do|could|can|be|error:)(?:\s|$)"
    r"|[该此的]|当前|指定|对应|本次|您|(?<=已)[经被]+"
)
_ID = r"""([_:=\['"(]*[a-z]*[\d-][a-z\d-]*[\])'"]*)?"""
_KEY = "(access_?key(_?id|_?secret)?|secret_key|访问密钥|signature|签名)"
_TIME = "(time_?stamp(_or_date_value)?|时间戳)"
_TASK = rf"""(
    ((data|schema|compare|comparison|replication|migration|precheck)_)* (task|comparison|replication|precheck)
    | (数据|结构)?(对比|比对|比较|复制|迁移|同步)?(预检查?)?(任务|预检查)
) (_?id)?{_ID}"""
_FAULT = """(
    invalid | illegal | incorrect | incomplete | wrong | bad | unknown | missing | expired | inactive | disabled
    | deleted | required | empty | error | mismatch | too_old | too_far | more_than | nonce_used
    | not_(valid|match|found|exist|within|of) | (verif(y|ication)|validation|check)_(failed|error)
    | (验证|校验|认证)?已?(不存在|不匹配|不正确|不通过|不合法|未通过|错误|有误|无效|失败|失效|过期|禁用|停用|缺失|为空)
    | 非法 | 未知
)"""
_END = r"(?=_?(?:[,:(\uff0c]|$))"
_SENTENCES = {
    Reason.AUTH: rf"""
        ({_FAULT}_)? (request('s)?_|请求)? ({_KEY}|{_TIME}){_ID} (_we_calculated)? _?{_FAULT}
        | {_FAULT}_?(request_|请求)? ({_KEY}{_END} | {_TIME}(?=_?[,(\uff0c]|$))
        | (request_|请求已?)(expired|过期)
        | difference_between_request_time""",
    Reason.NOT_FOUND: rf"""
        {_TASK}_? (not_found | not_exist | 不存在 | 未找到 | 找不到 | 已?删除{_END})
        | (no_such_ | unknown_ | not_find_ | 找不到 | 未找到 | 没有找到 | 查询不到) {_TASK}{_END}
        | no_{_TASK}_found""",
    Reason.RATE_LIMITED: rf"""
        too_many_(api_)?requests
        | (you_have_exceeded_)? ((api|request)_)* rate_ (limit{_END} | (limit_)?exceeded | limit_reached | limited)
        | request_ (throttled | rate[_-]limited | denied_due_to_\w{{0,30}}(throttling|flow_control))
        | (请求|访问|调用|操作|接口|api)+ (次数|频率|速率)? (过于|太|过)(频繁|快|高|多)
        | (请求|访问|接口|api|触发|被)*已?限流{_END}""",
}
# These count as a whole code, and mean nothing within a message.
_CODES = {
    Reason.AUTH: """
        unauthori[sz]ed | unauthenticated | forbidden | (permission|access)_den(y|ied) | no_permission
        | auth(entication|orization)?_fail(ed|ure)""",
    Reason.NOT_FOUND: "not_(found|exists?)",
    Reason.RATE_LIMITED: "throttl(ing|ed)(_user|_api)? | ((api|user)_)?flow_control | (api_)?request_limit(_exceeded)?",
}
_SENTENCE_PATTERNS = [(reason, re.compile(pattern, re.VERBOSE)) for reason, pattern in _SENTENCES.items()]
_CODE_PATTERNS = [(reason, re.compile(f"({pattern})$", re.VERBOSE)) for reason, pattern in _CODES.items()]


def reason_of_refusal(code: str, message: str) -> Reason:
    """Why the API refused a query with this error code and message, either of which may be empty."""
    for text in (code, message):
        sentences, patterns = _sentences(text), _SENTENCE_PATTERNS
        if re.fullmatch(r"[\w.-]+", text, re.ASCII):  # a code, which some APIs give as the message
            sentences = _sentences(" ".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", text)))
            patterns = [*_CODE_PATTERNS, *_SENTENCE_PATTERNS]
        for reason, pattern in patterns:
            if any(map(pattern.match, sentences)):
                return reason
    return Reason.API_ERROR


def _sentences(text: str) -> list[str]:
    text = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("pre-check", "precheck")
    text = re.sub("can(no|')t|n't", " not", text)
    return ["_".join(_FILLERS.sub("", sentence).split()) for sentence in re.split(r"[.;!\u3002\uff1b\uff01]", text)]
