# What the scripts of the tests install. They have bash, `python`, and `fail`, a function that ends the script.
# shellcheck shell=bash
: "${python:?}"

as_root=()
if ((EUID != 0)); then as_root=(sudo -n); fi

# install_programs LOG PROGRAM:PACKAGE...: the packages of the programs that are missing, where apt-get may. A full path
# can be any file.
install_programs() {
    local log=$1 missing=() program name
    shift
    for program in "$@"; do
        name=${program%:*}
        type -P "$name" >/dev/null || [[ $name == /* && -e $name ]] || missing+=("${program#*:}")
    done
    if ((${#missing[@]} == 0)); then return; fi
    type -P apt-get >/dev/null || fail "these are missing: ${missing[*]}"
    # Its lists may be old, or not be there.
    apt_get install "${missing[@]}" >"$log" 2>&1 || { apt_get update && apt_get install "${missing[@]}"; } >>"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        fail "installing ${missing[*]} failed; $log has everything"
    }
}
apt_get() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --yes --no-install-recommends "$@" </dev/null
}

# install_venv VENV REQUIREMENTS OPTION...: a virtual environment with what is in a file of requirements. Its stamp is
# written last, so that an interrupted installation is never taken for a complete one.
install_venv() {
    local venv=$1 requirements=$2 stamp
    shift 2
    # The place belongs to it: programs in a venv name their interpreter by its full path.
    stamp="$venv $("$python" --version) $(sha256sum <"$requirements")"
    if [[ -f $venv/complete && $(<"$venv/complete") == "$stamp" ]] && "$venv/bin/python" -c ''; then
        return
    fi
    rm -rf "$venv"
    if ! { "$python" -m venv "$venv" &&
        "$venv/bin/python" -m pip install --no-compile "$@" --requirement "$requirements"; } >"$venv.log" 2>&1; then
        tail -n 20 "$venv.log" >&2
        fail "installing $requirements failed; $venv.log has everything"
    fi
    printf '%s\n' "$stamp" >"$venv/complete"
}
