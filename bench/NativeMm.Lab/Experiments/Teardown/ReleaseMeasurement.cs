using System.Diagnostics;
using System.Globalization;
using NativeMm.Frames;
using NativeMm.Lab.Harness;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Runtime;

namespace NativeMm.Lab.Experiments.Teardown;

/// <summary>Touches real memory and gives all of it back at once: by the end of a runtime, by a trim of one that goes on, or by bare threads.</summary>
internal sealed unsafe class ReleaseMeasurement
{
    private const int HugeKibibytes = 2048;
    private const int MiddleKibibytes = 64;
    private const int PageBytes = 4096;
    private const ulong RoomBytes = 64UL << 20;

    // Above the floor, so that the same methods are compiled. A trim begins alone, and shares out what is left.
    private const nuint WarmBytes = 128 << 20;
    private const nuint WarmTrimBytes = 320 << 20;
    private const string PageSizes = "/sys/kernel/mm/transparent_hugepage";

    private readonly MeasurementRequest _request;
    private readonly nuint _bytes;
    private readonly int _kibibytes;

    private bool IsTrim => _request.Parameters["part"] == TeardownPart.Trim;

    public ReleaseMeasurement(MeasurementRequest request)
    {
        _request = request;
        _bytes = nuint.Parse(request.Parameters["mib"]!, CultureInfo.InvariantCulture) << 20;
        _kibibytes = int.Parse(request.Parameters["pages"]!, CultureInfo.InvariantCulture);
    }

    /// <summary>Measures.</summary>
    public Measurement Run()
    {
        if (_kibibytes == MiddleKibibytes && (!IsEnabled(MiddleKibibytes) || IsEnabled(HugeKibibytes)))
        {
            return Measurement.Failed(
                $"Memory that asks for huge pages gets none of 64 KiB here: they must be enabled, and those of 2 MiB, which the system prefers, must not ({PageSizes}).");
        }

        if (_request.Case.Variant == TeardownVariants.Bare.Name)
        {
            return Bare();
        }

        TeardownWarmup.Run(_request, () => ByRuntime(IsTrim ? WarmTrimBytes : WarmBytes));
        return ByRuntime(_bytes);
    }

    /// <summary>Whether memory that asks for huge pages gets pages of that size.</summary>
    private static bool IsEnabled(int kibibytes)
    {
        string text = ReadOrNothing($"{PageSizes}/hugepages-{kibibytes}kB/enabled");

        // A kernel without sizes to choose from has those of 2 MiB alone.
        if (text.Contains("[inherit]", StringComparison.Ordinal) || (text.Length == 0 && kibibytes == HugeKibibytes))
        {
            text = ReadOrNothing($"{PageSizes}/enabled");
        }

        return text.Contains("[always]", StringComparison.Ordinal) || text.Contains("[madvise]", StringComparison.Ordinal);
    }

    private static string ReadOrNothing(string file) => File.Exists(file) ? File.ReadAllText(file) : string.Empty;

    private Measurement ByRuntime(nuint bytes)
    {
        var runtime = new MemoryRuntime(new MemoryRuntimeOptions
        {
            CapacityBytes = bytes + RoomBytes,
            HugePages = _kibibytes != PageBytes >> 10,
            Teardown = TeardownVariants.OptionsOf(_request.Case, 1),
            BackgroundTrim = false,
        });
        var blocks = new Pfn[bytes / ((nuint)PageBytes << Order.Huge.Value)];
        if (runtime.Frames.AllocateBulk(Order.Huge, FrameFlags.None, blocks) != blocks.Length)
        {
            return Measurement.Failed($"There are no {blocks.Length} blocks of 2 MiB.");
        }

        Touch(block => (byte*)runtime.Frames.Zone.AddressOf(blocks[block]), blocks.Length);
        if (IsTrim)
        {
            runtime.Frames.FreeBulk(blocks, Order.Huge);
            return ByTrim(runtime, bytes);
        }

        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        if (_request.Case.Variant != TeardownVariants.Unwaited.Name)
        {
            runtime.Dispose();
            return Result(start, cpu);
        }

        ValueTask end = runtime.DisposeAsync();
        double back = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        end.AsTask().Wait();
        return Result(start, cpu).Add("return_ns", back);
    }

    private Measurement ByTrim(MemoryRuntime runtime, nuint bytes)
    {
        using (runtime)
        {
            TimeSpan cpu = Environment.CpuUsage.TotalTime;
            long start = Stopwatch.GetTimestamp();
            ulong returned = runtime.Trim();
            Measurement result = Result(start, cpu).Add("width", Math.Max(1, runtime.GetStatistics().Teardown.WidthReached));
            return returned >= bytes ? result : Measurement.Failed($"A trim gave {returned} of {bytes} bytes back.");
        }
    }

    private Measurement Bare()
    {
        IMemoryPlatform platform = SystemPlatform.Current;
        if (!platform.Reserve(_bytes, 2 << 20, out nuint address).Succeeded)
        {
            return Measurement.Failed($"The system refuses {_bytes} bytes.");
        }

        if (_kibibytes != PageBytes >> 10)
        {
            platform.AdviseHugePages(address, _bytes, enabled: true);
        }

        Touch(block => (byte*)address + ((nuint)block << 21), (int)(_bytes >> 21));
        int threads = _request.Case.Threads;
        using var crew = new ThreadCrew(threads, _request.Pin);
        nuint share = _bytes / (nuint)threads & ~(nuint)((2 << 20) - 1);
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        crew.Run(thread =>
        {
            nuint first = share * (nuint)thread;
            PlatformResult result = platform.Discard(address + first, thread == threads - 1 ? _bytes - first : share, DiscardMode.Now);
            if (!result.Succeeded)
            {
                throw new InvalidOperationException($"The system keeps the pages: {result}.");
            }
        });
        return Result(start, cpu);
    }

    private Measurement Result(long start, TimeSpan cpu)
    {
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return new Measurement()
            .Add("seconds", seconds)
            .Add("cpu_seconds", (Environment.CpuUsage.TotalTime - cpu).TotalSeconds)
            .Add("gib_per_second", _bytes / (double)(1 << 30) / seconds);
    }

    /// <summary>
    /// Writes to each page, on as many threads as there are cores. The system is asked for them by one call a block first, which takes a fraction of as many faults in a
    /// virtual machine; where it does not know that call, the writes are the faults.
    /// </summary>
    private void Touch(AddressOfBlock addressOf, int blocks)
    {
        using var crew = new ThreadCrew(CorePlan.Cores, _request.Pin);
        crew.Run(thread =>
        {
            for (int block = thread; block < blocks; block += crew.Size)
            {
                byte* first = addressOf(block);
                _ = SystemPlatform.Current.Commit((nuint)first, HugeKibibytes << 10);
                for (int offset = 0; offset < HugeKibibytes << 10; offset += PageBytes)
                {
                    first[offset] = 1;
                }
            }
        });
    }

    private delegate byte* AddressOfBlock(int block);
}
