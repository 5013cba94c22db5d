#!/usr/bin/env bash
# usage: start-precheck.sh TASK_ID [NAME] [data_compare|schema_compare]
# Starts the precheck of a comparison task, and hands its id to the exporter in a task file of its own.
#
#   NINEDATA_BASE_URL        https://console.ninedata.cloud
#   NINEDATA_ACCESS_KEY_ID   an AccessKey that may start prechecks; the exporter's own need not
#   NINEDATA_SECRET_KEY
#   TASKS_DIR                a folder that the exporter's task_files name: task_files: ["tasks.d/*.yaml"]
#
# Needs curl and jq.
set -euo pipefail

: "${1:?usage: $0 TASK_ID [NAME] [data_compare|schema_compare]}"
: "${NINEDATA_BASE_URL:?}" "${NINEDATA_ACCESS_KEY_ID:?}" "${NINEDATA_SECRET_KEY:?}"
# All that can fail here must fail before the start: the id of what is started is told in the answer alone.
[[ -d ${TASKS_DIR:?} && -w $TASKS_DIR ]] || { echo "$0: cannot write into $TASKS_DIR" >&2 && exit 1; }
for command in curl jq sha256sum; do
    command -v "$command" >/dev/null || { echo "$0: $command is needed" >&2 && exit 1; }
done

task_id=$1 name=${2:-$1} kind=${3:-data_compare}
case $kind in
data_compare) path=/openapi/v1/comparedata/precheck/start ;;
schema_compare) path=/openapi/v1/compareschema/precheck/start ;;
*) echo "$0: kind must be data_compare or schema_compare" >&2 && exit 2 ;;
esac

# The signature is the SHA-256 of PATH/SECRET&TIMESTAMP, the timestamp the same text as in the header.
timestamp=$(date -u +%Y-%m-%dT%H:%M:%SZ)
signature=$(printf '%s/%s&%s' "$path" "$NINEDATA_SECRET_KEY" "$timestamp" | sha256sum | cut -d ' ' -f 1)

# The headers go in by a pipe: arguments can be seen by everybody on the machine. No --location: a signature must not
# follow a redirect to another host.
answer=$(
    printf '%s\n' "access-key-id: $NINEDATA_ACCESS_KEY_ID" "timestamp: $timestamp" "signature: $signature" \
        "content-type: application/json" |
        curl --silent --show-error --max-time 30 --header @- --data "$(jq -cn --arg id "$task_id" '{taskId: $id}')" \
            "${NINEDATA_BASE_URL%/}$path"
)
precheck_task_id=$(jq -er 'select(.success == true).data.precheckTaskId' <<<"$answer") || {
    echo "$0: the precheck was not started: $answer" >&2
    exit 1
}

# Written aside and renamed: the exporter, which looks at every scrape, finds either the old file or the whole new one.
# JSON is YAML. The hidden name is matched by no pattern such as *.yaml.
aside=$(mktemp "$TASKS_DIR/.$task_id.XXXXXX")
trap 'rm -f "$aside"' EXIT
jq -n --arg id "$task_id" --arg precheck "$precheck_task_id" --arg name "$name" --arg kind "$kind" \
    '[{task_id: $id, precheck_task_id: $precheck, name: $name, kind: $kind}]' >"$aside"
chmod 644 "$aside"
mv -f "$aside" "$TASKS_DIR/$task_id.yaml"
echo "$precheck_task_id"
