// Purpose      the limit of the process, which all runtimes and the garbage collector share.
// States       s_isCollecting: 0, or 1 while somebody has the collector work. s_collectionRestsUntil: before that, nobody does.
// Transitions  0 → 1 by CAS, of several who lack room by one; 1 → 0 by him, after he stored the end of the rest.
// Ownership    field                 | who writes                             | who reads        | how
//              _processBytesMax      | the constructor, the background thread | who looks        | release store; relaxed
//              _limitsReadAt         | the constructor, the background thread | the same         | plain
//              _registered           | the constructor, before anybody knows the runtime; its end reads it | plain
//              s_collectionRestsUntil | who collects                          | who lacks room   | release store; acquire
// Ordering     none that anybody's memory hangs on: who looked at an older end of the rest makes one collection more, and a look may have one limit of before and the other of now.
// Reuse        the words count nothing and stand for nobody's memory.
// Progress     nobody waits for a collection that another one makes. Of other runtimes the lock of the passes is tried, inside of their gates.

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

    private static readonly TimeSpan s_limitsInterval = TimeSpan.FromSeconds(10);

    private ulong _processBytesMax;
    private TimeSpan _limitsReadAt;
    private WeakReference<MemoryRuntime>? _registered;

    /// <summary>Sets native memory's share and what the process may have, in bytes. Looks for room go by them from then on.</summary>
    internal void SetLimits((ulong Share, ulong Process) limits)
    {
        Atomic.StoreRelease(ref _share, limits.Share);
        Atomic.StoreRelease(ref _processBytesMax, limits.Process);
    }

    private static (ulong Share, ulong Process) LimitsOf(MemoryRuntimeOptions options)
    {
        if (options.NativeShareBytes != 0)
        {
            return (options.NativeShareBytes, options.ProcessBytesMax != 0 ? options.ProcessBytesMax : ulong.MaxValue);
        }

        ulong share = MemoryShares.ReadNative(out ulong limit);
        return (share, limit - (limit / ProcessRestDivisor));
    }

    /// <summary>A container's limit may be changed while its processes run. For the background thread.</summary>
    /// <param name="now">The moment: within ten seconds of the last time, nothing is read.</param>
    internal void FollowLimits(TimeSpan now)
    {
        if (Options.NativeShareBytes != 0 || now - _limitsReadAt < s_limitsInterval)
        {
            return;
        }

        _limitsReadAt = now;
        try
        {
            SetLimits(LimitsOf(Options));
        }
        catch (OutOfMemoryException)
        {
            // No managed memory to read with; the next time.
        }
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
        ulong most = Atomic.LoadRelaxed(in _processBytesMax);
        if (most == ulong.MaxValue)
        {
            return ulong.MaxValue;
        }

        ulong known = held + (ulong)GC.GetTotalMemory(forceFullCollection: false);
        ulong resident = ProcessMemory.ReadResident(out ulong bytes).Succeeded ? bytes + asked : 0;
        return most - ulong.Min(most, ulong.Max(known, resident));
    }

    /// <summary>For whoever lacks room after this runtime gave back what it could. Under no lock of the library.</summary>
    private void MakeRoomInProcess()
    {
        if (Atomic.LoadRelaxed(in _processBytesMax) == ulong.MaxValue || HasRoom(Stopwatch.GetTimestamp()))
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
        ulong most = Atomic.LoadRelaxed(in _processBytesMax);
        bool isWorth = (ulong)GC.GetTotalMemory(forceFullCollection: false) >= most / GarbageDivisor
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
            bool helped = before >= after + (most / ProcessRestDivisor);
            Atomic.StoreRelease(ref s_collectionRestsUntil, now + ((now - start) * (helped ? CollectionRestFactor : CollectionRestFactorInVain)));
        }
        finally
        {
            Atomic.StoreRelease(ref s_isCollecting, 0);
        }
    }
}
