using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>Runs each method whose generated code a test looks at, once. The methods stand for the users of a lock.</summary>
internal static class LockCodeScenario
{
    public static int Run(string[] arguments)
    {
        var plain = default(SpinLock<NoLockStatistics>);
        var counted = default(SpinLock<LockStatistics>);
        int bare = 0;
        int sum = SectionUnderBareWord(ref bare, 1)
            + SectionUnderPlainSpinLock(ref plain, 1)
            + SectionUnderCountedSpinLock(ref counted, 1);
        return sum == 6 ? 0 : 3;
    }

    /// <summary>What the spin lock would be if statistics had never been thought of.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static int SectionUnderBareWord(ref int word, int value)
    {
        if (!Atomic.CompareExchange(ref word, 0, 1))
        {
            WaitForBareWord(ref word);
        }

        value++;
        Atomic.StoreRelease(ref word, 0);
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static int SectionUnderPlainSpinLock(ref SpinLock<NoLockStatistics> spinLock, int value)
    {
        spinLock.Enter();
        value++;
        spinLock.Exit();
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static int SectionUnderCountedSpinLock(ref SpinLock<LockStatistics> spinLock, int value)
    {
        spinLock.Enter();
        value++;
        spinLock.Exit();
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void WaitForBareWord(ref int word)
    {
        var backoff = default(Backoff);
        do
        {
            backoff.Wait();
        }
        while (!Atomic.CompareExchange(ref word, 0, 1));
    }
}
