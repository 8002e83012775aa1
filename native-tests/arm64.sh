#!/usr/bin/env bash
# Runs the tests as linux-arm64 code under an emulator (qemu-user), on a machine of another kind. Without one, or without the libraries for it, it
# says so in one line and does nothing.
#
#   native-tests/arm64.sh                  unit, model and faulty tests, and the generated code of the hit paths: a quarter of an hour
#   native-tests/arm64.sh --short          of those the operating system, locks and the heap: a few minutes
#   native-tests/arm64.sh NAME [!NAME]...  the tests whose full names begin so, without those behind an exclamation mark
#
# The emulator comes from the package qemu-user. The libraries (libc6, libgcc-s1, libstdc++6, zlib1g and libssl3 of arm64, and liblz4-1 and libzstd1 for the codecs) are
# looked for in ARM64_ROOT, then in /usr/aarch64-linux-gnu; where apt serves arm64 packages they are fetched into artifacts/arm64/root.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() { printf 'arm64: %s: left out\n' "$*"; exit 0; }

emulator=()
root=
if [[ $(uname -m) != aarch64 ]]; then
  command -v qemu-aarch64 >/dev/null || skip 'no qemu-aarch64 here'
  root=${ARM64_ROOT:-/usr/aarch64-linux-gnu}
  if [[ ! -e $root/lib/ld-linux-aarch64.so.1 ]]; then
    root=$PWD/artifacts/arm64/root
  fi

  if [[ ! -e $root/lib/ld-linux-aarch64.so.1 ]]; then
    [[ " $(dpkg --print-foreign-architectures 2>/dev/null) " == *arm64* ]] || skip 'no arm64 libraries here, and apt does not serve any'
    mkdir -p "$root" artifacts/arm64/packages
    (cd artifacts/arm64/packages && apt-get download libc6:arm64 libgcc-s1:arm64 libstdc++6:arm64 zlib1g:arm64 libssl3:arm64 liblz4-1:arm64 libzstd1:arm64 >/dev/null 2>&1) \
      || skip 'the arm64 libraries cannot be fetched'
    for package in artifacts/arm64/packages/*.deb; do dpkg -x "$package" "$root"; done
  fi

  emulator=(qemu-aarch64 -L "$root")
  # The emulator does not see that code changes when it is written through a second mapping of its pages.
  export DOTNET_EnableWriteXorExecute=0
fi

program=$PWD/artifacts/arm64/program
dotnet publish native-tests/NativeMm.Tests.Standalone -c Release -r linux-arm64 --self-contained -p:RunAnalyzers=false \
  -p:ErrorOnDuplicatePublishOutputFiles=false --artifacts-path artifacts/arm64/build -o "$program"
tests=$program/NativeMm.Tests.Standalone
export TESTS_CHILD_COMMAND="${emulator[*]} $tests child"

# What the emulator does differently from a kernel, so that the test would be one of it.
unit=NativeMm.Tests.Unit
left_out=(
  "$unit.Lab"                                                                   # a program for one's own machine
  "$unit.Platform.LimitsTests"                                                  # ulimit counts for the emulator
  "$unit.ChildProcessTests.Child_that_hangs"                                    # a child takes longer to begin than it is given
  NativeMm.Tests.Faulty.Reporting.RefusedDiscardTests.At_any_call               # mincore fails over memory without access
  "$unit.Heap.HeapIdleTests.Pairs_over_many_sizes"                              # a look takes longer than a thread is charged for at most
  "$unit.LinuxPlatformTests.Untouched_reservation_is_not_resident"              # mincore calls everything resident
  NativeMm.Tests.Faulty.Teardown.RefusedTableTests.Map_of_a_file
  NativeMm.Tests.Faulty.Teardown.RefusedTableTests.Records_of_a_swap
  NativeMm.Tests.Faulty.Teardown.RefusedTableTests.Slots_with_guards
  "$unit.Frames.PopulateTests.Frames_that_are"                                  # advice to populate is taken and ignored
  "$unit.Frames.PopulateTests.Many_at_once"
  "$unit.Frames.PopulateTests.One_call"
  "$unit.Caching.NativeCacheLimitTests.A_process_does_not_grow"                 # resident figures of the emulator
  "$unit.ProcessMemoryTests.Resident_figures_follow"                            # figures of the emulator
  "$unit.Runtime.HugePageTests.The_zone_has_huge_pages_when_they_are_asked_for" # advice about huge pages is ignored
  "$unit.Reporting.MadviseDeviceTests.Reported_blocks"                          # MADV_FREE does nothing
  "$unit.Runtime.MemoryRuntimeTests.Freed_memory_goes_back"                     # resident figures of the emulator
  "$unit.ThreadAffinityTests.Core_that_is_not_there"                            # masks of cores are as wide as those of the machine
  "$unit.Vmap.VmapAccessTests"                                                  # how a process dies of an access
  "$unit.Vmap.VmapMappingsTests.The_systems_limit"                              # mappings of the emulator count as well
)
names=("$@")
if [[ ${1:-} == --short ]]; then
  names=("$unit.Platform" "$unit.Primitives" "$unit.Heap" NativeMm.Tests.Faulty.Heap NativeMm.Tests.Architecture.Heap "${left_out[@]/#/!}")
elif [[ ${#names[@]} -eq 0 ]]; then
  names=("$unit" NativeMm.Tests.Model NativeMm.Tests.Faulty NativeMm.Tests.Architecture.Heap "${left_out[@]/#/!}")
fi

"${emulator[@]}" "$tests" "${names[@]}"
