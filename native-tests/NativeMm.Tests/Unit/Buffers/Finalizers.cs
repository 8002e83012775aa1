using Xunit;

namespace NativeMm.Tests.Unit.Buffers;

/// <summary>Waits for the garbage collector to find something that was dropped.</summary>
internal static class Finalizers
{
    /// <summary>Finds everything that was dropped until now.</summary>
    public static void RunToEnd()
    {
        for (int round = 0; round < 3; round++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    /// <summary>Collects until the condition holds, without a wait for finalizers, one of which may be stopped by the test.</summary>
    public static void CollectUntil(Func<bool> condition) => Assert.True(
        SpinWait.SpinUntil(
            () =>
            {
                GC.Collect();
                return condition();
            },
            TimeSpan.FromSeconds(30)),
        "The condition does not hold after any number of collections.");

    /// <summary>Collects until the condition holds; a stale copy of a reference may survive one collection, not many.</summary>
    public static void RunUntil(Func<bool> condition)
    {
        for (int round = 0; round < 20 && !condition(); round++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.True(condition(), "The finalizers ran and the condition does not hold.");
    }
}
