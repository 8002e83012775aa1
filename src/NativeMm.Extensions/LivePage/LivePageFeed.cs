using System.Buffers;
using System.Text.Json;
using NativeMm.Primitives;
using NativeMm.Runtime;

namespace NativeMm.Extensions;

/// <summary>What the page shows, as JSON: made once a second at most, however many look. Thread-safe.</summary>
/// <param name="runtime">The service's runtime.</param>
/// <param name="limit">The process.</param>
/// <param name="budget">The budget, running or not.</param>
/// <param name="time">The clock.</param>
internal sealed class LivePageFeed(MemoryRuntime runtime, ProcessLimit limit, MemoryBudget budget, TimeProvider time)
{
    private static readonly TimeSpan s_age = TimeSpan.FromMilliseconds(900);

    private SleepLock _lock;
    private byte[] _last = [];
    private long _madeAt;

    /// <summary>How often a page is refreshed.</summary>
    public static TimeSpan Interval { get; } = TimeSpan.FromSeconds(1);

    /// <summary>The clock.</summary>
    public TimeProvider Time => time;

    /// <summary>The runtimes that there is something to tell of: the service's, and the shared one if it is in use.</summary>
    public IEnumerable<MemoryRuntime> Runtimes()
    {
        yield return runtime;
        if (MemoryRuntime.SharedIfUsed is { } shared && !ReferenceEquals(shared, runtime))
        {
            yield return shared;
        }
    }

    /// <summary>Whether the service's runtime keeps a profile.</summary>
    public bool HasProfile => runtime.Options.HeapProfile;

    /// <summary>Writes it.</summary>
    public void WriteProfile(Stream stream) => runtime.WriteHeapProfile(stream);

    /// <summary>The present state.</summary>
    public ReadOnlyMemory<byte> Current()
    {
        using (_lock.EnterScope())
        {
            if (_last.Length == 0 || time.GetElapsedTime(_madeAt) >= s_age)
            {
                var buffer = new ArrayBufferWriter<byte>(16 << 10);
                using var json = new Utf8JsonWriter(buffer);
                new SnapshotWriter(json, Runtimes(), limit, budget, time).Write();
                json.Flush();
                _last = buffer.WrittenSpan.ToArray();
                _madeAt = time.GetTimestamp();
            }

            return _last;
        }
    }

    /// <summary>Gives everything idle back, and lets the next look see it.</summary>
    public long Trim()
    {
        long bytes = Runtimes().Sum(one => (long)one.Trim()) + Slabs.SlabStores.TrimAll();
        using (_lock.EnterScope())
        {
            _last = [];
        }

        return bytes;
    }
}
