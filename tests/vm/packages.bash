# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts here: packages of other Debian suites and architectures, read with an apt configuration of our own
# below build/vm/apt, so that the machine's lists, its sources and what it has installed are left alone.

# Fails with one line that says what to do.
fail() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# Prints the address that the machine's own apt uses for Debian, or for its security suites.
mirror_of() { # SUITE
	local release codename
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	case $1 in
	*-security) release=$codename-security ;;
	*) release=$codename ;;
	esac
	apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 2>/dev/null |
		awk -v release="$release" '$1 == release && $2 == "main" { print $3; exit }'
}

# Runs an apt tool on one suite and architecture alone.
apt_of() { # SUITE ARCH TOOL ARGUMENT...
	local state=$CACHE/apt/$1-$2 tool=$3 arch=$2
	shift 3
	"$tool" -q -oDir::Etc::sourcelist="$state/sources.list" -oDir::Etc::sourceparts=- -oDir::State="$state" \
		-oDir::State::status="$state/status" -oDir::Cache="$state/cache" -oDir::Etc::preferencesparts=/dev/null \
		-oAPT::Architecture="$arch" -oAPT::Architectures="$arch" -oAPT::Sandbox::User=root \
		-oAcquire::Check-Valid-Until=false -oAcquire::Languages=none -oAcquire::Retries=3 "$@"
}

# Reads the lists of a suite, once a run.
read_suite() { # SUITE ARCH
	local state=$CACHE/apt/$1-$2 mirror
	[ -e "$state/read-by-$$" ] && return
	mirror=$(mirror_of "$1")
	[ -n "$mirror" ] || fail "the machine's apt names no Debian mirror: tests on other kernels need one"
	rm -rf "$state"
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	: >"$state/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $1 main" >"$state/sources.list"
	# apt-get update exits 0 even where a suite is not there, unless told otherwise.
	apt_of "$1" "$2" apt-get -oAPT::Update::Error-Mode=any update >"$state/log" 2>&1 || {
		sed 's/^/    /' "$state/log" | tail -n 4 >&2
		return 1
	}
	touch "$state/read-by-$$"
}

# Fetches packages and unpacks them; the archives are not kept.
unpack() { # SUITE ARCH FOLDER PACKAGE...
	local suite=$1 arch=$2 folder=$3 archives archive
	shift 3
	archives=$CACHE/apt/$suite-$arch/download
	mkdir -p "$archives" "$folder"
	(cd "$archives" && apt_of "$suite" "$arch" apt-get download "$@" >>../log 2>&1) || return 1
	for archive in "$archives"/*.deb; do
		dpkg -x "$archive" "$folder" || return 1
	done
	rm -rf "$archives"
}
