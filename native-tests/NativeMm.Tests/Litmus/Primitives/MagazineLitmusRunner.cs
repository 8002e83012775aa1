using System.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Primitives;

namespace NativeMm.Tests.Litmus;

/// <summary>One owner who pops and one thief who steals, on two cores, again and again from the same start.</summary>
internal sealed class MagazineLitmusRunner(bool fence, int items) : IDisposable
{
    private const int SpinsBeforeYield = 2000;

    private readonly MagazineBox _box = new(slots: 16, capacity: 16);
    private readonly nuint[] _popped = new nuint[16];
    private readonly nuint[] _stolen = new nuint[16];
    private PaddedWord _owner;
    private PaddedWord _thief;
    private int _poppedCount;
    private int _stolenCount;
    private long _ownerGot;
    private long _thiefGot;
    private bool _over;

    /// <summary>Rounds made.</summary>
    public long Rounds { get; private set; }

    /// <summary>Rounds after which an item was in two places or in none.</summary>
    public long Violations { get; private set; }

    /// <summary>Rounds that went to the side that less often got anything: when neither always came first, they did meet.</summary>
    public long Met => Math.Min(_ownerGot, _thiefGot);

    /// <summary>What the run showed.</summary>
    public LitmusVerdict Verdict => LitmusEvidence.Judge(Violations, Met);

    /// <summary>Runs until the time is over or something forbidden was seen.</summary>
    public void Run(TimeSpan duration)
    {
        long end = Stopwatch.GetTimestamp() + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        StartGate.Run(2, side =>
        {
            PinApart(side);
            ref PaddedWord own = ref side == 0 ? ref _owner : ref _thief;
            ref PaddedWord other = ref side == 0 ? ref _thief : ref _owner;
            for (ulong step = 1; ; step += 2)
            {
                if (side == 0)
                {
                    Prepare(end);
                }

                Meet(ref own, ref other, step);
                if (_over)
                {
                    return;
                }

                Shift(side, step);
                if (side == 0)
                {
                    Own();
                }
                else
                {
                    Steal();
                }

                Meet(ref own, ref other, step + 1);
            }
        });
    }

    public void Dispose() => _box.Dispose();

    public override string ToString() => $"{Verdict}: {Violations} violations in {Rounds} rounds; the owner got something in {_ownerGot}, the thief in {_thiefGot}";

    private static void Meet(ref PaddedWord own, ref PaddedWord other, ulong step)
    {
        Atomic.StoreRelease(ref own.Value, step);
        for (int spins = 0; Atomic.LoadAcquire(ref other.Value) < step; spins++)
        {
            if (spins > SpinsBeforeYield)
            {
                Thread.Yield();
            }
        }
    }

    /// <summary>Moves the sides against each other by a different little each time.</summary>
    private static void Shift(int side, ulong step)
    {
        for (ulong shift = (side == 0 ? step >> 1 : step >> 5) & 15; shift > 0; shift--)
        {
            Thread.SpinWait(0);
        }
    }

    private static void PinApart(int side)
    {
        // Without the right to pin, or with one core, the run goes on and may be inconclusive.
        if (ThreadAffinity.Get(out CoreSet allowed).Succeeded && allowed.Count > 1)
        {
            _ = ThreadAffinity.Pin(allowed.ToList()[side], out _);
        }
    }

    /// <summary>Judges the last round and sets the magazine up for the next; the thief waits meanwhile.</summary>
    private void Prepare(long end)
    {
        if (Rounds > 0)
        {
            Judge();
        }

        _over = Violations > 0 || Stopwatch.GetTimestamp() > end;
        Rounds++;
        for (int i = 0; i < items; i++)
        {
            _box.Magazine.Slots(items)[i] = (nuint)i + 1;
        }

        _box.Magazine.SetItems(items);
    }

    private void Own()
    {
        _poppedCount = 0;
        while (_box.Magazine.TryPop(out nuint item))
        {
            _popped[_poppedCount++] = item;
        }

        // The guard is the meeting: the thief is done before the refusal is undone in Judge.
    }

    private void Steal()
    {
        MagazineTheft theft = _box.Magazine.StealBegin();
        if (fence)
        {
            Atomic.ProcessWideFence();
        }

        ReadOnlySpan<nuint> stolen = _box.Magazine.StealEnd(theft);
        stolen.CopyTo(_stolen);
        _stolenCount = stolen.Length;
    }

    private void Judge()
    {
        _box.Magazine.PopRefused();
        int places = 0;
        uint seen = 0;
        foreach (nuint item in (nuint[])[.. _popped[.._poppedCount], .. _stolen[.._stolenCount], .. _box.Magazine.Normalize()])
        {
            places++;
            seen |= 1u << (int)item;
        }

        Violations += places == items && seen == ((1u << items) - 1) << 1 ? 0 : 1;
        _ownerGot += _poppedCount > 0 ? 1 : 0;
        _thiefGot += _stolenCount > 0 ? 1 : 0;
    }
}
