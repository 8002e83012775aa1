using System.Reflection;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

/// <summary>Who waits for the pass of a reporter.</summary>
internal static class PassLine
{
    private static readonly FieldInfo s_lock = typeof(PageReporter).GetField("_passLock", BindingFlags.Instance | BindingFlags.NonPublic)!;

    /// <summary>Waits until another thread waits for the pass that is under way.</summary>
    public static void AwaitSomebody(PageReporter reporter) => Assert.True(
        SpinWait.SpinUntil(() => ((SleepLock)s_lock.GetValue(reporter)!).Line > 0, StartGate.DefaultTimeout), "Nobody waits for the pass.");
}
