#!/bin/sh
# Prints the path of a Debian Linux kernel to validate tests against, after fetching it if need be: no root, no install.
#
#   fetch_linux.sh [SUITE]      sid (default: the 7.x that Ochre follows), bookworm, bookworm-backports, ...
#
# The machine's own mirror and keyring are used through a private apt configuration. Result and index are kept in
# $XDG_CACHE_HOME/ochre/linux/SUITE; remove that directory to fetch a newer one.
set -eu
suite=${1:-sid}
dir=${XDG_CACHE_HOME:-$HOME/.cache}/ochre/linux/$suite

found() { find "$dir/x" -name 'vmlinuz*' -type f 2>/dev/null | head -1; }

if [ -z "$(found)" ]; then
	mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial" "$dir/x"
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -E '/debian/?$' | head -1)
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} $suite main" \
		>"$dir/apt/sources.list"
	opts="-q -o Dir::Etc::SourceList=$dir/apt/sources.list -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists=$dir/apt/lists
		-o Dir::Cache=$dir/apt/cache -o Dir::State::Status=/dev/null -o APT::Sandbox::User=root"
	log=$dir/log
	{
		apt-get $opts update
		package=$(apt-cache $opts depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[^ ]*\)/\1/p' | head -1)
		cd "$dir"
		# Since 7.x the image proper is in linux-binary-VERSION.
		binary=$(apt-cache $opts depends "${package:?no kernel package in $suite}" | sed -n 's/.*Depends: \(linux-binary-[^ ]*\)/\1/p')
		package=${binary:-$package}
		apt-get $opts download "$package"
		dpkg-deb -x "$package"_*.deb x
		rm -f "$package"_*.deb
		find x -name '*.ko*' -delete
	} >"$log" 2>&1 || { cat "$log" >&2; echo "fetch_linux.sh: no kernel from $suite" >&2; exit 1; }
fi
found
