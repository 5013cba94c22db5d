#!/usr/bin/env bash
# usage: start-precheck.sh TASK_ID [NAME] [data_compare|schema_compare]
# Starts the precheck of a comparison task and writes its id into a task file for the exporter.
#
#   NINEDATA_BASE_URL        https://console.ninedata.cloud
#   NINEDATA_ACCESS_KEY_ID   an AccessKey that may start prechecks; the exporter's own does not need to
#   NINEDATA_SECRET_KEY
#   TASKS_DIR                the folder that task_files in the exporter's configuration names: task_files: ["tasks.d/*.yaml"]
#
# Needs curl and jq.
set -euo pipefail

: "${1:?usage: $0 TASK_ID [NAME] [data_compare|schema_compare]}"
: "${NINEDATA_BASE_URL:?}" "${NINEDATA_ACCESS_KEY_ID:?}" "${NINEDATA_SECRET_KEY:?}"
# Check everything before the start: only its answer has the id of the precheck.
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

# The headers come through a pipe, because everyone on the machine can see arguments. No --location: the signature must
# not follow a redirect to another host.
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

# Write a temporary file and rename it: the exporter, which looks once a second, finds the old file or the whole new one.
# JSON is YAML. No pattern such as *.yaml matches the hidden name.
aside=$(mktemp "$TASKS_DIR/.$task_id.XXXXXX")
trap 'rm -f "$aside"' EXIT
jq -n --arg id "$task_id" --arg precheck "$precheck_task_id" --arg name "$name" --arg kind "$kind" \
    '[{task_id: $id, precheck_task_id: $precheck, name: $name, kind: $kind}]' >"$aside"
chmod 644 "$aside"
mv -f "$aside" "$TASKS_DIR/$task_id.yaml"
echo "$precheck_task_id"
