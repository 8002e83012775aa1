using System.Diagnostics;
using System.Runtime;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Runtime;

/// <content>
/// The limit holds for the process, not for one runtime: what other runtimes and the garbage collector have counts as well. When it is nearly reached, the idle memory of all runtimes goes, and
/// then garbage.
/// </content>
public sealed partial class MemoryRuntime
{
    // What stays of the limit: one part in so many.
    private const ulong ProcessRestDivisor = 16;

    // A collection is tried where so much of the limit, one part in so many, may be managed memory.
    private const ulong GarbageDivisor = 8;

    // After a collection the next one waits for so many times as long as it took.
    private const long CollectionRestFactor = 4;
    private const long CollectionRestFactorInVain = 50;

    // A runtime that is forgotten is not found here any more.
    private static readonly Registrations<WeakReference<MemoryRuntime>> s_runtimes = new();
    private static long s_collectionRestsUntil;
    private static int s_isCollecting;

    private readonly ulong _processBytesMax;
    private WeakReference<MemoryRuntime>? _registered;

    private static ulong ProcessBytesMaxOf(MemoryRuntimeOptions options)
    {
        if (options.NativeShareBytes != 0)
        {
            return options.ProcessBytesMax != 0 ? options.ProcessBytesMax : ulong.MaxValue;
        }

        ulong limit = MemoryShares.ReadLimit(SystemFiles.Real);
        return limit - (limit / ProcessRestDivisor);
    }

    private void Register()
    {
        _registered = new WeakReference<MemoryRuntime>(this);
        s_runtimes.Add(_registered);
    }

    private void Unregister()
    {
        if (_registered is { } registered)
        {
            s_runtimes.Remove(registered);
        }
    }

    /// <summary>What the process may still take. Large blocks are not resident before they are filled, so both sums must hold: of what is resident, and of what is known.</summary>
    /// <param name="held">What this runtime has, with what is asked for.</param>
    /// <param name="asked">What is asked for.</param>
    private ulong RoomInProcess(ulong held, ulong asked)
    {
        if (_processBytesMax == ulong.MaxValue)
        {
            return ulong.MaxValue;
        }

        ulong known = held + (ulong)GC.GetTotalMemory(forceFullCollection: false);
        ulong resident = ProcessMemory.ReadResident(out ulong bytes).Succeeded ? bytes + asked : 0;
        return _processBytesMax - ulong.Min(_processBytesMax, ulong.Max(known, resident));
    }

    /// <summary>For whoever lacks room after this runtime gave back what it could. Under no lock of the library.</summary>
    private void MakeRoomInProcess()
    {
        if (_processBytesMax == ulong.MaxValue || HasRoom(Stopwatch.GetTimestamp()))
        {
            return;
        }

        foreach (WeakReference<MemoryRuntime> known in s_runtimes.View)
        {
            if (known.TryGetTarget(out MemoryRuntime? other) && other != this)
            {
                other.GiveToOthers();
            }
        }

        if (!HasRoom(Stopwatch.GetTimestamp()))
        {
            Collect();
        }
    }

    private void GiveToOthers()
    {
        if (!_end.TryEnter())
        {
            return;
        }

        try
        {
            bool isRest = Stopwatch.GetTimestamp() < Atomic.LoadAcquire(in _roomRestsUntil);
            if (!_trimLock.IsHeldByCurrentThread && !IsReportingHere && (!isRest || IsWorth(CountUnreported())) && _trimLock.TryEnter())
            {
                GiveUnusedBack(isRest);
            }
        }
        finally
        {
            _end.Exit();
        }
    }

    /// <summary>The collector does not know of native memory: nobody else asks it for garbage here.</summary>
    private void Collect()
    {
        long start = Stopwatch.GetTimestamp();
        bool isWorth = (ulong)GC.GetTotalMemory(forceFullCollection: false) >= _processBytesMax / GarbageDivisor
            && start >= Atomic.LoadAcquire(in s_collectionRestsUntil) && GCSettings.LatencyMode != GCLatencyMode.NoGCRegion;
        if (!isWorth || !Atomic.CompareExchange(ref s_isCollecting, 0, 1))
        {
            return;
        }

        try
        {
            _ = ProcessMemory.ReadResident(out ulong before);
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            _ = ProcessMemory.ReadResident(out ulong after);
            long now = Stopwatch.GetTimestamp();
            bool helped = before >= after + (_processBytesMax / ProcessRestDivisor);
            Atomic.StoreRelease(ref s_collectionRestsUntil, now + ((now - start) * (helped ? CollectionRestFactor : CollectionRestFactorInVain)));
        }
        finally
        {
            Atomic.StoreRelease(ref s_isCollecting, 0);
        }
    }
}
