// Purpose      how many mappings the ranges of one window may use, and what happens when the system allows fewer.
// States       whole: the reserve is there, the limit is the configured one.   given up: the system has refused once; the reserve is gone, the
//              limit is what was in use then, less the reserve, so that what was given up stays free for the rest of the process.
// Transitions  whole → given up: NoteRefusal, by whoever empties the reserve.   given up → whole: CeilingFor, once a good part came back and the
//              reserve could be filled again; or once the system, asked how many mappings there are, has room for two reserves: the refusal was
//              passing, as one for want of memory is, or other mappings of the process went.
// Ownership    charged, hidden: anybody, by addition. ceiling: whoever emptied or filled the reserve; release, acquire. The moment of the next
//              question: whoever moves it on, by CAS, asks, and has the delay to himself.
// Progress     lock-free; system calls only in the two transitions. The question costs milliseconds, so it is put by one thread of those that are
//              refused, a second after the refusal at the earliest and each time twice as late, up to a minute.

using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>Counts mappings against a limit, and keeps some back for the moment in which the system has none left. Thread-safe.</summary>
/// <remarks>
/// Mappings are counted from above: each run of frames is one, each hole beside it is one, each maximal piece of free space is one. The kernel
/// may see fewer, because it merges neighbours.
/// </remarks>
internal sealed class MappingBudget(IMemoryPlatform platform, FreeSpace free, int mappingsMax) : IDisposable
{
    private const long NoCeiling = long.MaxValue;

    // Milliseconds.
    private const long QuestionDelayMin = 1000;
    private const long QuestionDelayMax = 64_000;

    private static int s_rehearsals = 3;

    private readonly MappingReserve _reserve = new(platform);
    private long _charged;
    private long _hidden;
    private long _ceiling = NoCeiling;
    private long _nextQuestion;
    private long _questionDelay = QuestionDelayMin;
    private int _isPrepared;

    /// <summary>Mappings that ranges are charged for.</summary>
    public long Charged => Atomic.LoadAcquire(ref _charged);

    /// <summary>Mappings in use: of ranges, of free space, and those that could only be hidden.</summary>
    public long InUse => Charged + Atomic.LoadAcquire(ref _hidden) + free.Ranges;

    /// <summary>Mappings that may be in use.</summary>
    public long Max => Math.Min(mappingsMax, Atomic.LoadAcquire(ref _ceiling));

    /// <summary>Whether the limit is lower than configured because the system has refused more.</summary>
    public bool IsLoweredBySystem => Atomic.LoadAcquire(ref _ceiling) < mappingsMax;

    /// <summary>Charges a range, if the limit allows it.</summary>
    /// <param name="mappings">At most how many it will have.</param>
    /// <param name="freeRanges">Pieces of free space at this moment.</param>
    public bool TryCharge(long mappings, long freeRanges)
    {
        Invariant.Assert(mappings > 0 && freeRanges >= 0, $"{mappings} mappings are charged beside {freeRanges} pieces of free space.");
        if (Atomic.LoadAcquire(ref _isPrepared) == 0 && Atomic.Exchange(ref _isPrepared, 1) == 0)
        {
            Prepare();
        }

        long inUse = Atomic.Add(ref _charged, mappings) + Atomic.LoadAcquire(ref _hidden) + freeRanges;
        if (inUse <= Math.Min(mappingsMax, CeilingFor(inUse)))
        {
            return true;
        }

        Atomic.Add(ref _charged, -mappings);
        return false;
    }

    /// <summary>Charges more than was asked for before: a call was split.</summary>
    public void Charge(long mappings) => Atomic.Add(ref _charged, mappings);

    /// <summary>Takes a charge back.</summary>
    public void Refund(long mappings)
    {
        Atomic.Add(ref _charged, -mappings);
        Invariant.Assert(mappings >= 0 && Charged >= 0, $"{mappings} mappings are taken back, and {Charged} are left.");
    }

    /// <summary>
    /// Takes a charge back although the mappings are still there, out of reach. They stay counted for good, also when their place is mapped again: too
    /// many rather than too few.
    /// </summary>
    public void Hide(long mappings)
    {
        Atomic.Add(ref _hidden, mappings);
        Atomic.Add(ref _charged, -mappings);
        Invariant.Assert(mappings >= 0 && Charged >= 0, $"{mappings} mappings are hidden, and {Charged} are left.");
    }

    /// <summary>
    /// The system has no mapping left. Gives the reserve up and lowers the limit, so that what was given up is not used here: whoever undoes
    /// his work needs it, and so does the runtime to throw an exception.
    /// </summary>
    /// <returns>Whether there was a reserve.</returns>
    public bool NoteRefusal(PlatformResult refusal)
    {
        Invariant.Assert(!refusal.Succeeded, "What the system granted is noted as a refusal.");
        if (refusal.Errno != ErrorNumber.OutOfMemory || !_reserve.TryGiveUp())
        {
            return false;
        }

        Atomic.StoreRelease(ref _nextQuestion, Environment.TickCount64 + QuestionDelayMin);
        Atomic.StoreRelease(ref _ceiling, LessAReserve(InUse));
        Invariant.Assert(Max >= 0, $"{Max} mappings are allowed after a refusal.");
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _reserve.Dispose();

    private static long LessAReserve(long mappings) => Math.Max(mappings - MappingReserve.Mappings, mappings / 2);

    /// <summary>
    /// Sets mappings aside for the moment in which none is left. That moment is rehearsed before, with a budget that nobody uses: what runs then must
    /// have been compiled, because the compiler needs mappings too, and the first calls through an interface are compiled by and by.
    /// </summary>
    private void Prepare()
    {
        for (int rehearsals = Atomic.Exchange(ref s_rehearsals, 0); rehearsals > 0; rehearsals--)
        {
            using var rehearsal = new MappingBudget(platform, free, mappingsMax);
            _ = rehearsal._reserve.TryFill() && rehearsal.NoteRefusal(new PlatformResult(ErrorNumber.OutOfMemory));
        }

        _reserve.TryFill();
    }

    /// <summary>
    /// The limit of the system. Once few enough mappings are in use to take a new reserve from the others, or the system has enough more, there is none.
    /// </summary>
    private long CeilingFor(long inUse)
    {
        long ceiling = Atomic.LoadAcquire(ref _ceiling);
        if (ceiling == NoCeiling)
        {
            return ceiling;
        }

        bool isRoomy = inUse <= Math.Max(LessAReserve(ceiling), MappingReserve.Mappings) || (inUse > ceiling && SystemHasRoom());
        if (isRoomy && _reserve.TryFill())
        {
            Atomic.StoreRelease(ref _questionDelay, QuestionDelayMin);

            // If somebody was refused meanwhile, his lower limit stays.
            return Atomic.CompareExchange(ref _ceiling, ceiling, NoCeiling) ? NoCeiling : Atomic.LoadAcquire(ref _ceiling);
        }

        return ceiling;
    }

    /// <summary>Asks the system how many mappings the process has, if it is time for that.</summary>
    /// <returns>Whether there is room for the reserve, and for as many more.</returns>
    private bool SystemHasRoom()
    {
        long next = Atomic.LoadAcquire(ref _nextQuestion);
        long now = Environment.TickCount64;
        long delay = Atomic.LoadAcquire(ref _questionDelay);
        if (now < next || !Atomic.CompareExchange(ref _nextQuestion, next, now + delay))
        {
            return false;
        }

        Atomic.StoreRelease(ref _questionDelay, Math.Min(delay * 2, QuestionDelayMax));
        int count = platform.CountMappings();
        return count != 0 && count + (2 * MappingReserve.Mappings) < platform.MappingsMax;
    }
}
