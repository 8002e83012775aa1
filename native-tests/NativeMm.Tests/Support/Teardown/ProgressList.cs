using NativeMm.Teardown;
using Xunit;

namespace NativeMm.Tests.Support.Teardown;

/// <summary>Keeps every progress that it is told, on the thread that tells it. Thread-safe.</summary>
internal sealed class ProgressList : IProgress<TeardownProgress>
{
    private readonly Lock _lock = new();
    private readonly List<TeardownProgress> _all = [];

    /// <summary>Called with each, without a lock.</summary>
    public Action<TeardownProgress>? Told { get; init; }

    public TeardownProgress[] All
    {
        get
        {
            lock (_lock)
            {
                return [.. _all];
            }
        }
    }

    public void Report(TeardownProgress value)
    {
        lock (_lock)
        {
            _all.Add(value);
        }

        Told?.Invoke(value);
    }

    /// <summary>Fails the test when the last one is not the whole. Where little is where much might be, the whole becomes less on the way.</summary>
    public void AssertComplete()
    {
        TeardownProgress last = All[^1];
        Assert.Equal(last.BytesTotal, last.BytesDone);
    }

    /// <summary>Fails the test when anything went backwards, or the last one is not the whole.</summary>
    public void AssertCompleteAndMonotone()
    {
        TeardownProgress[] all = All;
        Assert.NotEmpty(all);
        for (int i = 1; i < all.Length; i++)
        {
            Assert.True(all[i].BytesDone >= all[i - 1].BytesDone, $"{all[i - 1]} before {all[i]}");
            Assert.True(all[i].Steps >= all[i - 1].Steps, $"{all[i - 1]} before {all[i]}");
            Assert.Equal(all[0].BytesTotal, all[i].BytesTotal);
        }

        Assert.Equal(all[^1].BytesTotal, all[^1].BytesDone);
    }
}
