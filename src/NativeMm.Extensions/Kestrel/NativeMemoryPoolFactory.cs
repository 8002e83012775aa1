using System.Buffers;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Connections;
using NativeMm.Buffers;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Slabs;

namespace NativeMm.Extensions;

/// <summary>
/// Kestrel's pool out of slabs whose idle pages go back to the operating system: 90 % within seconds after the load, where the server's own pool needs minutes
/// and a garbage collection. Blocks lie in pinned arrays, as sockets need them. Thread-safe.
/// </summary>
/// <remarks>
/// Register it by <c>services.AddNativeMm().AddKestrelPool()</c>. All pools of one owner share their slabs. It publishes the instruments of the server's own
/// pool under their names (meter <c>Microsoft.AspNetCore.MemoryPool</c>), so that dashboards go on working.
/// </remarks>
public sealed class NativeMemoryPoolFactory : IMemoryPoolFactory<byte>, IDisposable
{
    private readonly BufferPoolOptions _options;
    private readonly TimeProvider _time;
    private readonly IMemoryPlatform _platform;
    private readonly MemoryPoolMeter _meter;
    private readonly Dictionary<string, SharedStore> _stores = new(StringComparer.Ordinal);
    private SleepLock _lock;

    /// <summary>Makes a factory.</summary>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="meters">Makes the meter; null for one that belongs to no container.</param>
    /// <param name="time">Whose timer gives memory back; null for the system's.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="FormatException">An environment variable has a value that is not understood.</exception>
    public NativeMemoryPoolFactory(BufferPoolOptions? options = null, IMeterFactory? meters = null, TimeProvider? time = null)
        : this(options ?? new BufferPoolOptions(), meters, time ?? TimeProvider.System, SystemPlatform.Current)
    {
    }

    internal NativeMemoryPoolFactory(BufferPoolOptions options, IMeterFactory? meters, TimeProvider time, IMemoryPlatform platform)
    {
        options.Validate();
        _options = options;
        _time = time;
        _platform = platform;
        _meter = new MemoryPoolMeter(meters, this);
    }

    /// <summary>Makes a pool. It shares the memory of all pools of its owner that are alive.</summary>
    /// <param name="options">Names the owner.</param>
    /// <returns>The pool, which its user disposes of; what was rented from it stays valid then.</returns>
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null)
    {
        string owner = options?.Owner ?? "";
        using (_lock.EnterScope())
        {
            if (!_stores.TryGetValue(owner, out SharedStore? shared))
            {
                shared = new SharedStore(new SlabStore(owner.Length == 0 ? "unnamed" : owner, _options, _time, _platform));
                _stores.Add(owner, shared);
            }

            shared.Pools++;
            return new SlabMemoryPool(shared.Store, () => EndPool(shared));
        }
    }

    /// <summary>Counts everything, by owner. Owners whose pools are gone are listed too.</summary>
    /// <returns>The figures by the name of the owner, a copy that does not change any more; empty when no pool was made.</returns>
    public IReadOnlyDictionary<string, BufferPoolStatistics> GetStatistics()
    {
        KeyValuePair<string, SharedStore>[] stores;
        using (_lock.EnterScope())
        {
            stores = [.. _stores];
        }

        return stores.ToDictionary(entry => entry.Key, entry => entry.Value.Store.GetStatistics(), StringComparer.Ordinal);
    }

    /// <summary>Gives all idle memory back at once.</summary>
    /// <returns>Bytes given back.</returns>
    /// <exception cref="Diagnostics.MemoryFaultException">The checked mode found a write after a return.</exception>
    public long Trim() => Stores().Sum(shared => shared.Store.Trim());

    /// <summary>Ends the instruments and gives idle memory back. Pools that are alive go on.</summary>
    public void Dispose()
    {
        _meter.Dispose();
        foreach (SharedStore shared in Stores())
        {
            SlabStores.TrimQuietly(shared.Store);
        }
    }

    /// <summary>The store of an owner, for tests.</summary>
    internal SlabStore StoreOf(string owner)
    {
        using (_lock.EnterScope())
        {
            return _stores[owner].Store;
        }
    }

    /// <summary>The last pool of an owner takes its idle memory along; the figures stay.</summary>
    private void EndPool(SharedStore shared)
    {
        using (_lock.EnterScope())
        {
            if (--shared.Pools != 0)
            {
                return;
            }
        }

        // What is rented still comes back later, and goes by the timer.
        SlabStores.TrimQuietly(shared.Store);
    }

    private SharedStore[] Stores()
    {
        using (_lock.EnterScope())
        {
            return [.. _stores.Values];
        }
    }

    private sealed class SharedStore(SlabStore store)
    {
        public SlabStore Store { get; } = store;

        public int Pools { get; set; }
    }
}
