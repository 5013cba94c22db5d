"""What the API means when it refuses a query: guessed from its words, because the vendor documents none.

A failure's text often quotes a database, whose own words are much the same: `column timestamp does not exist`,
`permission denied for table orders`. So a code counts as a whole, and a message only where a sentence begins with the
key, the signature, the timestamp, the request or the task. All else is api_error, and people read the message.
"""

import re

from exporter.ninedata.failures import Reason

_FAULT = (
    "(?:invalid|illegal|unknown|missing|wrong|incorrect|incomplete|inactive|disabled|expired|error|fail(?:ed|ure)|empty"
    "|mismatch|verif(?:y|ication)|check|nonce|used|does|is|not|match(?:ed)?|found|exists?)"
)
# Of codes in lower case with `_` between words: SignatureDoesNotMatch is signature_does_not_match.
_CODES = {
    Reason.AUTH: rf"(?:{_FAULT}_)*(?:request_)?(?:signature|access_?key(?:_id)?|time_?stamp)(?:_{_FAULT})*"
    "|unauthori[sz]ed|unauthenticated|forbidden|(?:permission|access)_den(?:y|ied)|no_permission"
    "|auth(?:entication|orization)?_fail(?:ed|ure)",
    Reason.NOT_FOUND: r"(?:(?:task|(?:\w+_)?(?:precheck|compare|comparison|replication)(?:_task)?)(?:_id)?_)?"
    r"(?:is_|does_)?not_(?:found|exists?)",
    Reason.RATE_LIMITED: r"throttl(?:ing|ed)(?:_user|_api)?|too_many_requests|(?:api_|user_)?flow_control"
    r"|(?:api_)?(?:rate|request)_limit(?:ed|_exceeded)?",
}

_ID = r"""(?: [\s:=\['"(]* (?=[A-Za-z0-9]*[\d-])[A-Za-z0-9_-]++ [\])'"]* )?"""
_THE = r"(?: (?:the|this|your|specified|given|provided|requested)\s )*"
_KEY = r"(?: access\s?key (?:\s?id)? | secret\skey )"
_TASK = r"""(?: (?:(?:data|schema|compare|comparison|replication|migration|pre-?check)\s)*
    (?:task|comparison|replication|pre-?check) (?:\sid)? )"""
_TASK_CHINESE = r"(?: (?:数据|结构)?(?:对比|比对|比较|复制|迁移|同步)?(?:(?:预检查?)?任务|预检查) )"
_KEY_CHINESE = r"(?: access\s?key \s?(?:id|secret)? | 访问密钥 )"
_END = r"(?= \s*(?:[.,;!()\u3002\uff0c\uff1b\uff01]|$) )"
_SENTENCES = {
    Reason.AUTH: rf"""
        {_THE}(?:header\s)?(?:request(?:'s)?\s)?(?:{_KEY}{_ID}|signature)(?:\swe\scalculated)?\s
            (?:is\s|was\s|has\s(?:been\s)?|does\s|do\s)?(?:not\s)?
            (?: (?:in)?valid | expired | wrong | incorrect | missing | unknown | disabled | inactive | deleted
            | required | match(?:ed)? | mismatch | found | exist | error
            | (?:verification|validation|check)\s(?:failed|error) )\b
        | {_THE}(?:header\s)?(?:request(?:'s)?\s)?time\s?stamp(?:\sor\sdate\svalue)?\s(?:is\s|has\s)?
            (?: expired | invalid{_END} | missing | required | too\s(?:old|far) | more\sthan | not\swithin
            | not\sof\sthe\sform )\b
        | (?:in(?:valid|correct|active)|wrong|bad|unknown|missing|expired|illegal)\s(?:request\s)?
            (?: (?:{_KEY}|signature)(?={_END}|:) | time\s?stamp{_END} )
        | {_THE}request\s(?:has\s|is\s)?expired\b
        | {_THE}difference\sbetween\sthe\srequest\stime\sand\b
        | (?:请求|本次|您的|该|的)* (?: (?:签名|{_KEY_CHINESE}{_ID}\s?)(?:验证|校验|认证)?(?:已被|已经|已)?
            (?:不存在|不匹配|不正确|不通过|不合法|未通过|错误|有误|无效|失败|失效|过期|禁用|停用|缺失|为空)
            | 时间戳(?:已经|已)?(?:无效|错误|有误|过期|失效|缺失|为空|不合法|不正确) )
        | (?:无效|错误|非法|未知|过期)的?(?:请求)?(?:签名|时间戳|{_KEY_CHINESE}){_END}
        | (?:该|本次)?请求已(?:经)?过期""",
    Reason.NOT_FOUND: rf"""
        {_THE}{_TASK}{_ID}\s(?:(?:is|was|does|do|can|could)\s?)?not\s(?:be\s)?(?:found|exists?)\b
        | (?:no\ssuch|unknown|(?:cannot|can?\snot|could\snot)\sfind)\s{_THE}{_TASK}\b(?=\s?[\w-]*-|{_END}|:)
        | no\s{_TASK}\s(?:is\s|was\s)?found\b
        | (?:该|此|当前|指定|的)* {_TASK_CHINESE}\s?(?:id)?{_ID}\s?(?:不存在|未找到|找不到|已(?:经)?(?:被)?删除)
        | (?:找不到|未找到|没有找到|查询不到)(?:该|此|对应|指定|的)*{_TASK_CHINESE}""",
    Reason.RATE_LIMITED: rf"""
        too\smany\s(?:api\s)?requests\b
        | (?:you\shave\sexceeded\s)?{_THE}(?:api\s|request\s)*rate\slimit
            (?:\s(?:is|was|has\sbeen))?(?:\sexceeded|\sreached|{_END})
        | rate\sexceeded{_END}
        | {_THE}request\s(?:is|was|has\sbeen)\s(?:throttled|rate[\s-]limited|denied\sdue\sto\s[\w\s]{{0,30}}
            (?:throttling|flow\scontrol))\b
        | (?:请求|访问|调用|操作|接口|api)+(?:次数|频率|速率)?(?:过于|太|过)(?:频繁|快|高|多)
        | (?:请求|接口|api|访问|已|被|触发)*限流{_END}""",
}
_CODE_PATTERNS = {reason: re.compile(pattern) for reason, pattern in _CODES.items()}
_SENTENCE_PATTERNS = {
    reason: re.compile(
        rf"(?: ^ | [.;!\u3002\uff1b\uff01]\s* ) (?:error:\s)? (?: {pattern} )", re.IGNORECASE | re.VERBOSE
    )
    for reason, pattern in _SENTENCES.items()
}


def reason_of_refusal(code: str, message: str) -> Reason:
    """Why the API refused a query with this error code and message, either of which may be empty."""
    for word in (code, message):
        if re.fullmatch(r"[A-Za-z0-9_.-]+", word):  # some APIs give a code as the message
            parts = "_".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", word)).lower()
            for reason, pattern in _CODE_PATTERNS.items():
                if pattern.fullmatch(parts):
                    return reason
    message = message.strip().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("n't", " not")
    found = (reason for reason, pattern in _SENTENCE_PATTERNS.items() if pattern.search(message))
    return next(found, Reason.API_ERROR)
