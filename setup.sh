#!/bin/sh
# SPDX-License-Identifier: MIT
# Gets what winnow needs: Debian packages, and llama.cpp in a prefix of its own.
#   sh setup.sh          what the program needs
#   sh setup.sh tests    also what the tests need
# The last line on stdout is the llama.cpp prefix; all else goes to stderr.
set -eu

LLAMA_VERSION=0.3.36 # of the source package llama-cpp-python, which carries llama.cpp
step=start

say() { printf '%s\n' "setup: $*" >&2; }
trap 'rc=$?; [ $rc -eq 0 ] || say "failed at: $step (exit $rc); see ${log:-the lines above}"' EXIT

cache=${WINNOW_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/winnow}
mkdir -p "$cache"

# ---- Debian packages --------------------------------------------------------
packages="gcc g++ libc6-dev pkgconf meson ninja-build cmake glslang-tools python3 python3-pip
 python3-venv ca-certificates libavformat-dev libavcodec-dev libavutil-dev libswscale-dev
 libvulkan-dev libjansson-dev libpng-dev libxxhash-dev"
[ "${1:-}" = tests ] && packages="$packages libcmocka-dev mesa-vulkan-drivers
 vulkan-validationlayers spirv-tools ffmpeg binutils"

step="looking for packages"
missing=
for p in $packages; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done
if [ -n "$missing" ]; then
    step="installing packages"
    log=$cache/apt.log
    say "installing:$missing"
    sudo=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { say "not root and no sudo: install these yourself:$missing"; exit 1; }
        sudo=sudo
    fi
    $sudo apt-get update -qq >"$log" 2>&1
    # shellcheck disable=SC2086
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        $missing >>"$log" 2>&1
fi

# ---- llama.cpp --------------------------------------------------------------
# One that is installed and new enough is taken (WINNOW_LLAMA_PREFIX names another place).
step="looking for an installed llama.cpp"
for p in ${WINNOW_LLAMA_PREFIX:-/usr/local /usr}; do
    found=$(sed -n 's/^set(PACKAGE_VERSION "\([0-9.]*\).*/\1/p' \
        "$p/lib/cmake/llama/llama-config-version.cmake" 2>/dev/null | head -n 1)
    if [ -e "$p/include/mtmd.h" ] && [ -n "$found" ] &&
        [ "$(printf '%s\n0.5.0\n' "$found" | sort -V | head -n 1)" = 0.5.0 ]; then
        say "llama.cpp $found is installed in $p"
        step=done
        printf '%s\n' "$p"
        exit 0
    fi
done
[ -z "${WINNOW_LLAMA_PREFIX:-}" ] || { say "no llama.cpp 0.5.0 or newer with libmtmd lies in $WINNOW_LLAMA_PREFIX"; exit 1; }

# It is compiled for this very CPU, so the prefix is keyed by the CPU's flags and the options.
step="looking at the machine"
options="-DGGML_NATIVE=ON -DGGML_OPENMP=OFF"
if [ "${WINNOW_LLAMA_VULKAN:-auto}" != no ] && command -v glslc >/dev/null &&
    command -v vulkaninfo >/dev/null &&
    vulkaninfo --summary 2>/dev/null | grep -Eq 'PHYSICAL_DEVICE_TYPE_(DISCRETE|INTEGRATED)_GPU'; then
    options="$options -DGGML_VULKAN=ON"
fi
key=$(
    { echo "$LLAMA_VERSION $options"; gcc -dumpfullversion
      grep -m1 -E '^(flags|Features)' /proc/cpuinfo; uname -m; } | sha256sum | cut -c1-12
)
prefix=$cache/llama-$LLAMA_VERSION-$key
if [ ! -e "$prefix/.complete" ]; then
    work=$cache/build-$key
    log=$cache/llama-build.log
    : >"$log"
    mkdir -p "$work"
    if [ ! -e "$work/src/vendor/llama.cpp/CMakeLists.txt" ]; then
        step="downloading llama.cpp (source package llama-cpp-python $LLAMA_VERSION)"
        say "$step"
        python3 -m venv "$work/venv" >>"$log" 2>&1
        "$work/venv/bin/pip" download --quiet --no-deps --no-binary llama-cpp-python \
            -d "$work" "llama-cpp-python==$LLAMA_VERSION" >>"$log" 2>&1
        mkdir -p "$work/src"
        tar -xf "$work"/llama_cpp_python-*.tar.gz -C "$work/src" --strip-components=1
    fi
    step="building llama.cpp"
    jobs=$(nproc)
    say "$step with $jobs jobs (once; about 6 minutes on two cores)"
    # shellcheck disable=SC2086
    cmake -S "$work/src/vendor/llama.cpp" -B "$work/obj" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib \
        -DCMAKE_INSTALL_RPATH="$prefix/lib" -DBUILD_SHARED_LIBS=ON \
        -DLLAMA_BUILD_COMMON=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
        -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF \
        -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_MTMD=ON $options >>"$log" 2>&1
    last=
    rm -f "$work/built"
    { cmake --build "$work/obj" -j "$jobs" 2>>"$log" && touch "$work/built"; } |
        while IFS= read -r line; do
        printf '%s\n' "$line" >>"$log"
        case $line in
        "["*"/"*"]"*)
            n=${line#"["}; n=${n%%"]"*}; done=${n%%/*}; all=${n##*/}
            pct=$((done * 100 / all / 10 * 10))
            [ "$pct" = "$last" ] || { say "llama.cpp $pct %"; last=$pct; } ;;
        esac
    done
    [ -e "$work/built" ] || { tail -20 "$log" >&2; exit 1; } # a pipe hides its first part's status
    step="installing llama.cpp into $prefix"
    cmake --install "$work/obj" >>"$log" 2>&1
    touch "$prefix/.complete"
    rm -rf "$work"
fi
step=done
printf '%s\n' "$prefix"
