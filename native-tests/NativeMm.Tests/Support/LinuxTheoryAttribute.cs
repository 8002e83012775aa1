using NativeMm.Platform;
using Xunit;

namespace NativeMm.Tests.Support;

/// <summary>A theory about Linux; skipped, and said so, elsewhere.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LinuxTheoryAttribute : TheoryAttribute
{
    public LinuxTheoryAttribute() => Skip = SystemPlatform.IsLinux ? null : "Needs Linux on x64 or arm64.";
}
