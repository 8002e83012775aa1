using System.Runtime.InteropServices;
using NativeMm.Platform;
using Xunit;

namespace NativeMm.Tests.Support;

/// <summary>A theory about a kernel without some call; skipped, and said so, where the system does not allow filters of calls (seccomp).</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SystemCallFilterTheoryAttribute : TheoryAttribute
{
    public SystemCallFilterTheoryAttribute() =>
        Skip = !SystemPlatform.IsLinux ? "Needs Linux on x64 or arm64."
            : !AreFiltersAllowed() ? "Filters of system calls are not allowed here."
            : null;

    // Asks whether a filter may fail a call; changes nothing.
    private static unsafe bool AreFiltersAllowed()
    {
        const int AskForAction = 2;
        uint fail = 0x0005_0000;
        int seccomp = RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? 277 : 317;
        return LibC.SystemCall(seccomp, AskForAction, 0, (nint)(&fail), 0, 0) == 0;
    }
}
