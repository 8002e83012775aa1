using NativeMm.Platform;
using Xunit;

namespace NativeMm.Tests.Support;

/// <summary>A fact about Linux; skipped, and said so, elsewhere.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LinuxFactAttribute : FactAttribute
{
    public LinuxFactAttribute() => Skip = SystemPlatform.IsLinux ? null : "Needs Linux on x64 or arm64.";
}
