#!/usr/bin/env bash
# Builds the image and runs it, on a machine without a container engine (`make image-check`).
#
# Needs root on Debian or Ubuntu, some 10 GB in the folder for temporary files, ten to twenty minutes, and
#     apt-get install --no-install-recommends buildah debootstrap
# The base image is stood in for by a minimal Debian with Python, pip's settings are this machine's
# (so that a CPU build of torch is taken where pip is offered one). Then, as the image's user, in two
# containers with one folder for checkpoints: the page and its health check, and the worker, which
# trains the study `synthetic` that the page's container asks for.
set -euom pipefail # m: what runs in the background has a process group, to be ended as one
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ] || ! command -v buildah >/dev/null || ! command -v debootstrap >/dev/null; then
    sed -n '4,5s/^# //p' docker/check.sh >&2
    exit 2
fi

work=$(mktemp -d -t langskew-image.XXXXXX)
export BUILDAH_ISOLATION=chroot BUILDAH_LAYERS=true CONTAINERS_STORAGE_CONF=$work/storage.conf
printf '[storage]\ndriver = "%s"\nrunroot = "%s"\ngraphroot = "%s"\n' \
    "${STORAGE_DRIVER:-overlay}" "$work/run" "$work/storage" >"$work/storage.conf"
cleanup() {
    for group in $(jobs -p); do kill -- "-$group" 2>/dev/null || true; done
    wait || true
    buildah rm --all >/dev/null 2>&1 || true
    umount "$work/storage/overlay" 2>/dev/null || true
    rm -rf --one-file-system "$work"
}
trap cleanup EXIT
say() { printf '%-40s %s\n' "$1" "$2"; }
timed() { # what, then a command
    local began=$SECONDS
    "${@:2}" >"$work/command.log" 2>&1 || { tail -n 30 "$work/command.log" >&2; exit 1; }
    say "$1, seconds" $((SECONDS - began))
}
until_true() { # seconds, then a command
    local end=$((SECONDS + $1))
    until "${@:2}" >/dev/null 2>&1; do
        if [ $SECONDS -ge $end ]; then
            echo "after $1 s still not true: ${*:2}" >&2
            tail -n 20 "$work"/*.log >&2
            exit 1
        fi
        sleep 0.5
    done
}

# --- the base image's stand-in ---
base=$(awk '/^FROM/ {print $2; exit}' Dockerfile)
base=${base%@*} # a stand-in has another digest
suite=bookworm # the Debian whose python3 is 3.11
packages=python3,python3-venv,python3-pip,ca-certificates
timed "stand-in for $base" \
    debootstrap --variant=minbase --include=$packages "$suite" "$work/base"
for mounted in proc sys; do umount "$work/base/$mounted" 2>/dev/null || true; done
rm -rf "$work"/base/var/cache/apt/* "$work"/base/var/lib/apt/lists/*
stand_in=$(buildah from scratch)
buildah add --quiet "$stand_in" "$work/base" / >/dev/null
buildah commit --quiet --rm "$stand_in" "docker.io/library/$base" >/dev/null
say "its size, MB" "$(du -sm "$work/base" | cut -f1)"

# --- pip's settings, and the local folders that they name ---
python3 -m pip config list 2>/dev/null |
    sed -nE "s/^(:env:|global)\.([a-z-]+)='(.*)'$/\2 = \3/p" |
    awk 'BEGIN {print "[global]"} !seen[$1]++' >"$work/pip.conf"
mounts=(-v "$work/pip.conf:/etc/pip.conf:ro")
grep -oE '(file://)?/[^ ]+' "$work/pip.conf" | sort -u >"$work/paths"
while read -r path; do
    case $path in
    file://*) path=$(dirname "${path#file://}") ;; # an index links to files beside it
    esac
    [ ! -e "$path" ] || mounts+=(-v "$path:$path:ro")
done <"$work/paths"

build() { buildah bud --pull-never --format docker "${mounts[@]}" --tag langskew "$1"; }
mkdir "$work/context"
git ls-files -z | xargs -0 cp --parents -t "$work/context"
sed -i '/^FROM/s/@sha256:[0-9a-f]*//' "$work/context/Dockerfile"
timed "build" build "$work/context"
echo "# changed" >>"$work/context/core/text.py"
timed "build after a change of the code" build "$work/context"
say "its steps taken from the cache" "$(grep -c 'Using cache' "$work/command.log")"
say "image" "$(buildah images --json langskew | python3 -c '
import json, sys
print(json.load(sys.stdin)[0]["size"])')"

# --- two containers of it, with the same folders ---
setting() { # of the image, a word a line
    buildah inspect --type image langskew | python3 -c "
import json, sys
found = json.load(sys.stdin)['Docker']['config']$1
print(*([found] if isinstance(found, str) else found), sep='\n')"
}
mkdir "$work/checkpoints" "$work/cache"
user=$(setting "['User']")
chown "$user" "$work/checkpoints" "$work/cache"
page=$(buildah from --pull-never langskew)
worker=$(buildah from --pull-never langskew)
for container in "$page" "$worker"; do # else buildah's own volumes hide the folders
    buildah config --volume /checkpoints- --volume /cache- "$container"
done
port=${PORT:-8517}
run() { # container, command
    buildah run --user "$user" -v "$work/checkpoints:/checkpoints" -v "$work/cache:/cache" \
        --env STREAMLIT_SERVER_PORT="$port" --env STREAMLIT_SERVER_BASE_URL_PATH=skew \
        --env LANGSKEW_WORKER=off "$@"
}
on_page() { run "$page" -- "$@"; }

mapfile -t command < <(setting "['Cmd']")
mapfile -t health < <(setting "['Healthcheck']['Test'][1:]")
if on_page "${health[@]}" >/dev/null 2>&1; then
    echo "the health check passes without a page" >&2
    exit 1
fi
began=$SECONDS
on_page "${command[@]}" >"$work/page.log" 2>&1 &
until_true 120 on_page "${health[@]}"
say "page healthy after, seconds" $((SECONDS - began))
say "user" "$(on_page id -u)"
status() { # of the answer under a name
    on_page python -c "
import http.client
connection = http.client.HTTPConnection('localhost', $port)
connection.request('GET', '/skew/', headers={'Host': '$1'})
print(connection.getresponse().status)"; }
say "under its own name, and another one" "$(status "localhost:$port") $(status evil.example)"
[ "$(status "localhost:$port") $(status evil.example)" = "200 403" ]

# --- the worker: ended while it trains, as `docker stop` does, then started again ---
serve() { run "$worker" -- python -m core worker --wait >>"$work/worker.log" 2>&1 & }
ask() { on_page python -m core study synthetic --background; }
states() { on_page python -m core queue --json | python3 -c "
import json, sys
print(*sorted(job['state'] for job in json.load(sys.stdin)['jobs']))"; }
serve
until_true 60 grep -q "waits for jobs" "$work/worker.log"
ask
trains() { grep -q '"step"' "$work"/checkpoints/*/progress.jsonl; }
until_true 300 trains
keeper=$(cat "$work/checkpoints/queue/worker-keeper.lock")
began=$SECONDS
kill -TERM "$keeper"
until_true 120 test ! -d "/proc/$keeper"
say "SIGTERM: worker ended, seconds" $((SECONDS - began))
say "its jobs" "$(states)"
began=$SECONDS
serve
ask
is_done() { [ "$(states)" = "done done done done done" ]; } # the study and its four runs
until_true 900 is_done
say "started again, study, seconds" $((SECONDS - began))
cat "$work/worker.log"

# --- what the page's container sees ---
on_page python -m core show synthetic | head -9
on_page python -c "
from streamlit.testing.v1 import AppTest
app = AppTest.from_file('app.py', default_timeout=120).run()
assert not app.exception, app.exception
print('Overview:', next(m.value for m in app.markdown if 'imbalanced' in m.value))" 2>/dev/null
on_page python -c "
import vl_convert
def draw(letter):
    return vl_convert.svg_to_png(
        '<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"40\" height=\"40\">'
        f'<text y=\"30\" font-size=\"30\" font-family=\"sans-serif\">{letter}</text></svg>')
assert draw('中') != draw('文'), 'Chinese letters are drawn as boxes'"
say "Chinese letters in a PNG" "drawn"
