using System.Diagnostics;
using System.Runtime.CompilerServices;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support;

namespace NativeMm.Tests.Litmus;

/// <summary>Runs the two sides of a case on two cores, cell by cell, as close together as it can.</summary>
public static class LitmusRunner
{
    private const int CellsPerSweep = 512;
    private const int SpinsBeforeYield = 2000;

    /// <summary>Runs sweeps until the time is over or something forbidden was seen.</summary>
    public static LitmusReport Run<TCase>(TimeSpan duration)
        where TCase : struct, ILitmusCase
    {
        var cells = new LitmusCell[CellsPerSweep];
        var outcomes = new Dictionary<(int, int), long>();
        var meeting = new Meeting();
        long rounds = 0;
        long forbidden = 0;
        bool over = false;
        long end = Stopwatch.GetTimestamp() + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        using var sweep = new Barrier(2, _ =>
        {
            // Runs between two sweeps, while both sides wait.
            rounds += Judge<TCase>(cells, meeting.SweepsDone, outcomes, ref forbidden);
            meeting.BeginSweep();
            over = forbidden > 0 || Stopwatch.GetTimestamp() > end;
        });
        StartGate.Run(2, side =>
        {
            PinApart(side);
            sweep.SignalAndWait();
            while (!over)
            {
                Sweep<TCase>(cells, meeting, side);
                sweep.SignalAndWait();
            }
        });
        return new LitmusReport(rounds, forbidden, outcomes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sweep<TCase>(LitmusCell[] cells, Meeting meeting, int side)
        where TCase : struct, ILitmusCase
    {
        ref ulong own = ref side == 0 ? ref meeting.Left.Value : ref meeting.Right.Value;
        ref ulong other = ref side == 0 ? ref meeting.Right.Value : ref meeting.Left.Value;
        for (int i = 0; i < cells.Length; i++)
        {
            Atomic.StoreRelease(ref own, (ulong)i + 1);
            for (int spins = 0; Atomic.LoadAcquire(ref other) < (ulong)i + 1; spins++)
            {
                if (spins > SpinsBeforeYield)
                {
                    Thread.Yield();
                }
            }

            // Shifts the sides against each other by a different little each time.
            for (int shift = (side == 0 ? i : i >> 3) & 7; shift > 0; shift--)
            {
                Thread.SpinWait(0);
            }

            if (side == 0)
            {
                TCase.Left(ref cells[i]);
            }
            else
            {
                TCase.Right(ref cells[i]);
            }
        }
    }

    private static int Judge<TCase>(LitmusCell[] cells, int sweepsDone, Dictionary<(int, int), long> outcomes, ref long forbidden)
        where TCase : struct, ILitmusCase
    {
        if (sweepsDone == 0)
        {
            return 0;
        }

        foreach (ref LitmusCell cell in cells.AsSpan())
        {
            (int, int) seen = (cell.LeftSaw, cell.RightSaw);
            outcomes[seen] = outcomes.GetValueOrDefault(seen) + 1;
            forbidden += TCase.IsForbidden(cell) ? 1 : 0;
            cell = default;
        }

        return cells.Length;
    }

    private static void PinApart(int side)
    {
        // Without the right to pin, or with one core, the run goes on and may be inconclusive.
        if (ThreadAffinity.Get(out CoreSet allowed).Succeeded && allowed.Count > 1)
        {
            _ = ThreadAffinity.Pin(allowed.ToList()[side], out _);
        }
    }

    private sealed class Meeting
    {
        internal PaddedWord Left;
        internal PaddedWord Right;

        /// <summary>Sweeps that were begun before this moment.</summary>
        public int SweepsDone { get; private set; }

        public void BeginSweep()
        {
            SweepsDone++;
            (Left.Value, Right.Value) = (0, 0);
        }
    }
}
