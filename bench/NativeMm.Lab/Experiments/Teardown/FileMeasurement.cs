using System.Diagnostics;
using System.Globalization;
using NativeMm.Lab.Harness;
using NativeMm.Platform;
using NativeMm.Teardown;

namespace NativeMm.Lab.Experiments.Teardown;

/// <summary>
/// Touches the pages of a memory file through a mapping and takes all of them out: whether threads on one file are faster than one thread, and whether they are on a file each. If
/// the second is and the first is not, the system works on a file under a lock.
/// </summary>
internal sealed unsafe class FileMeasurement
{
    private const int PageBytes = 4096;

    // One call of a runtime's own release, so that all variants make as many.
    private const nuint StepBytes = 2 << 20;

    private readonly MeasurementRequest _request;
    private readonly nuint _bytes;
    private readonly List<(int Number, nuint Address, nuint Bytes)> _files = [];

    public FileMeasurement(MeasurementRequest request)
    {
        _request = request;
        _bytes = nuint.Parse(request.Parameters["mib"]!, CultureInfo.InvariantCulture) << 20;
    }

    private static IMemoryPlatform Platform => SystemPlatform.Current;

    /// <summary>Measures.</summary>
    public Measurement Run()
    {
        try
        {
            return Measure();
        }
        finally
        {
            foreach ((int number, nuint address, nuint bytes) in _files)
            {
                _ = Platform.Unmap(address, bytes);
                _ = Platform.CloseFile(number);
            }
        }
    }

    private Measurement Measure()
    {
        int threads = _request.Case.Threads;
        bool apart = _request.Case.Variant == TeardownVariants.Apart.Name;
        nuint share = _bytes / (nuint)threads & ~(StepBytes - 1);
        for (int i = 0; i < (apart ? threads : 1); i++)
        {
            if (!TryAdd(apart ? share : _bytes))
            {
                return Measurement.Failed($"The system refuses a memory file of {_bytes} bytes.");
            }
        }

        nuint punched = apart ? share * (nuint)threads : _bytes;
        if (_request.Case.Variant == TeardownVariants.Range.Name)
        {
            return ByWorkers(punched);
        }

        using var crew = new ThreadCrew(threads, _request.Pin);
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        crew.Run(thread =>
        {
            nuint first = apart ? 0 : share * (nuint)thread;
            nuint end = apart ? share : thread == threads - 1 ? _bytes : first + share;
            for (nuint at = first; at < end; at += StepBytes)
            {
                Punch(_files[apart ? thread : 0].Number, at, nuint.Min(StepBytes, end - at));
            }
        });
        return Result(punched, start, cpu);
    }

    /// <summary>As a runtime would do it, if it did: the threads of the workers take bites off halves.</summary>
    private Measurement ByWorkers(nuint bytes)
    {
        using var workers = new TeardownWorkers(TeardownVariants.OptionsOf(_request.Case, 1) with { MinimumGain = 0 });
        workers.Prepare();
        var job = new PunchJob(workers, offset => Punch(_files[0].Number, offset, nuint.Min(StepBytes, bytes - offset)));
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        job.Begin(new WorkPiece(0, bytes / StepBytes), (long)bytes);
        workers.Run(job);
        return Result(bytes, start, cpu).Add("width", Math.Max(1, job.WidthReached));
    }

    private static void Punch(int file, nuint offset, nuint bytes)
    {
        PlatformResult result = Platform.PunchHole(file, offset, bytes);
        if (!result.Succeeded)
        {
            throw new InvalidOperationException($"The system keeps the pages: {result}.");
        }
    }

    private static Measurement Result(nuint bytes, long start, TimeSpan cpu)
    {
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return new Measurement()
            .Add("seconds", seconds)
            .Add("cpu_seconds", (Environment.CpuUsage.TotalTime - cpu).TotalSeconds)
            .Add("gib_per_second", bytes / (double)(1 << 30) / seconds);
    }

    private bool TryAdd(nuint bytes)
    {
        if (!Platform.CreateMemoryFile("nativemm-lab", bytes, out int file).Succeeded)
        {
            return false;
        }

        if (!Platform.MapFile(file, 0, bytes, 0, out nuint address).Succeeded)
        {
            _ = Platform.CloseFile(file);
            return false;
        }

        _files.Add((file, address, bytes));
        using var crew = new ThreadCrew(CorePlan.Cores, _request.Pin);
        crew.Run(thread =>
        {
            for (nuint at = (nuint)thread * PageBytes; at < bytes; at += (nuint)crew.Size * PageBytes)
            {
                ((byte*)address)[at] = 1;
            }
        });
        return true;
    }

    /// <summary>Calls by number: each punches as many bytes.</summary>
    private sealed class PunchJob(TeardownWorkers workers, Action<nuint> punch) : TeardownJob(workers)
    {
        protected override bool TryBite(ref WorkPiece piece, out WorkPiece bite)
        {
            (bite, piece) = (piece with { End = piece.First + 1 }, piece with { First = piece.First + 1 });
            return true;
        }

        protected override bool TrySplit(ref WorkPiece piece, out WorkPiece half)
        {
            half = default;
            ulong middle = piece.First + ((piece.End - piece.First) / 2);
            if (middle == piece.First)
            {
                return false;
            }

            (half, piece) = (piece with { First = middle }, piece with { End = middle });
            return true;
        }

        protected override StepDone Step(WorkPiece bite)
        {
            punch((nuint)bite.First * StepBytes);
            return new StepDone((long)(StepBytes / PageBytes), (long)StepBytes);
        }
    }
}
