using NativeMm.Platform;
using Xunit;

namespace NativeMm.Tests.Support;

/// <summary>A theory that uses up all mappings of a process; skipped, and said so, where the limit is too high for that.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class MappingLimitTheoryAttribute : TheoryAttribute
{
    private const int LimitMost = 2_000_000;

    public MappingLimitTheoryAttribute() =>
        Skip = !SystemPlatform.IsLinux ? "Needs Linux on x64 or arm64."
            : SystemPlatform.Current.MappingsMax > LimitMost ? $"vm.max_map_count is above {LimitMost}."
            : null;
}
