using System.Diagnostics;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Faults;

/// <summary>The work of the threads on one space.</summary>
internal sealed class FaultWorkload(SpaceUnderTest space, int threads)
{
    /// <summary>Memory that a space may use.</summary>
    public const ulong ZoneBytes = 1UL << 30;

    /// <summary>Pages that a thread of page_fault1 maps at a time.</summary>
    public const int PagesPerArea = 2048;

    private const int EbizzyPagesMax = 128;
    private const int NoisePages = 64;
    private const long Page = 4096;
    private readonly Random[] _random = [.. Enumerable.Range(0, threads).Select(thread => new Random(thread))];
    private readonly DurationHistogram[] _faults = new DurationHistogram[threads];
    private readonly long[] _areas = new long[threads];
    private readonly long[] _ticks = new long[threads];
    private int _running;
    private long _changes;
    private double _seconds;

    /// <summary>Changes of the layout in a second of the rounds in which there were any.</summary>
    public double ChangesPerSecond => _seconds == 0 ? 0 : _changes / _seconds;

    /// <summary>Times of single faults, of the rounds that were timed one by one.</summary>
    public DurationHistogram Faults
    {
        get
        {
            DurationHistogram all = default;
            foreach (DurationHistogram one in _faults)
            {
                all.Add(one);
            }

            return all;
        }
    }

    /// <summary>One record of ebizzy after the other.</summary>
    public void Ebizzy(int thread, int records)
    {
        for (int i = 0; i < records; i++)
        {
            int pages = _random[thread].Next(1, EbizzyPagesMax + 1);
            long bytes = pages * Page;
            long address = space.Map(bytes);
            TouchAll(thread, address, pages);
            space.Unmap(address, bytes);
        }
    }

    /// <summary>Map, touch, unmap; an operation is a page.</summary>
    public void MapTouchUnmap(int thread, int pages)
    {
        for (int done = 0; done < pages; done += PagesPerArea)
        {
            long address = space.Map(PagesPerArea * Page);
            TouchAll(thread, address, PagesPerArea);
            space.Unmap(address, PagesPerArea * Page);
        }
    }

    /// <summary>
    /// Touches areas that were mapped before, as often as there is time, and gives the time for a fault of each thread: that of the best round, or with noise
    /// the mean, because the best round would be the one with the least of it.
    /// </summary>
    /// <param name="crew">The threads, and one more when there is noise.</param>
    /// <param name="pattern">The pattern.</param>
    /// <param name="pages">Pages of each area.</param>
    /// <param name="duty">Share of the time in percent that one more thread changes the layout for.</param>
    /// <param name="seconds">How long.</param>
    /// <param name="takesTimes">Whether single faults are timed.</param>
    public double TouchMapped(ThreadCrew crew, string pattern, int pages, int duty, double seconds, bool takesTimes)
    {
        bool isHuge = pattern == FaultPattern.PftHuge;
        bool isShared = pattern == FaultPattern.SamePage;
        bool isNoisy = pattern is FaultPattern.Layout or FaultPattern.Collapse;
        const int RoundsMin = 5;
        double best = double.MaxValue;
        double sum = 0;
        int rounds = 0;
        long start = Stopwatch.GetTimestamp();
        for (; rounds < RoundsMin || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; rounds++)
        {
            for (int thread = 0; thread < threads; thread++)
            {
                _areas[thread] = isShared && thread > 0 ? _areas[0] : space.Map(pages * Page, isHuge);
            }

            if (pattern == FaultPattern.PageFault2)
            {
                for (int thread = 0; thread < threads; thread++)
                {
                    TouchAll(thread, _areas[thread], pages);
                }

                space.Share();
            }

            _running = threads;
            crew.Run(thread => Round(thread, pattern, pages, duty, takesTimes));
            space.Unshare();
            for (int thread = 0; thread < threads; thread++)
            {
                if (!isShared || thread == 0)
                {
                    space.Unmap(_areas[thread], pages * Page);
                }
            }

            double time = _ticks.Max() * (1e9 / Stopwatch.Frequency) / pages;
            best = double.Min(best, time);
            sum += time;
            _seconds += duty == 0 ? 0 : (double)_ticks.Max() / Stopwatch.Frequency;
        }

        return isNoisy ? sum / rounds : best;
    }

    private void Round(int thread, string pattern, int pages, int duty, bool takesTimes)
    {
        if (thread >= threads)
        {
            if (pattern == FaultPattern.Collapse)
            {
                CollapseElsewhere();
            }
            else
            {
                ChangeLayout(duty);
            }

            return;
        }

        try
        {
            long begin = Stopwatch.GetTimestamp();
            if (takesTimes)
            {
                TouchTimed(thread, _areas[thread], pages);
            }
            else
            {
                TouchAll(thread, _areas[thread], pages);
            }

            _ticks[thread] = Stopwatch.GetTimestamp() - begin;
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private void CollapseElsewhere()
    {
        while (Volatile.Read(ref _running) > 0)
        {
            space.MakeAndCollapse();
        }
    }

    /// <summary>Changes the layout for its share of the time, until the others are done.</summary>
    private void ChangeLayout(int duty)
    {
        while (Volatile.Read(ref _running) > 0)
        {
            long begin = Stopwatch.GetTimestamp();
            long address = space.Map(NoisePages * Page);
            space.Protect(address, NoisePages * Page, isWritable: false);
            space.Unmap(address, NoisePages * Page);
            _changes++;
            long busy = Stopwatch.GetTimestamp() - begin;
            long idleUntil = begin + (busy * 100 / int.Max(duty, 1));
            while (Stopwatch.GetTimestamp() < idleUntil && Volatile.Read(ref _running) > 0)
            {
                Thread.SpinWait(20);
            }
        }
    }

    private void TouchAll(int thread, long address, int pages)
    {
        for (int page = 0; page < pages; page++)
        {
            space.Touch(address + (page * Page), thread);
        }
    }

    private void TouchTimed(int thread, long address, int pages)
    {
        for (int page = 0; page < pages; page++)
        {
            long begin = Stopwatch.GetTimestamp();
            space.Touch(address + (page * Page), thread);
            _faults[thread].Add(Stopwatch.GetTimestamp() - begin);
        }
    }
}
