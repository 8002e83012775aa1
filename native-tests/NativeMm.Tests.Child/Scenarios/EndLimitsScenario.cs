using System.Globalization;
using System.Runtime.InteropServices;
using NativeMm.AddressSpaces;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Teardown;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// Fills a runtime, has no further thread from then on, and ends everything, with and without waiting. Argument: why there is none: threads (the user may have no more), address (no
/// address space is left for a stack), core (there may be as many as it likes, but all on one core). Prints whether a thread can be had, what was wrong, and how often the
/// workers were missed.
/// </summary>
internal static unsafe class EndLimitsScenario
{
    private const int ProcessLimit = 6;
    private const int AddressLimit = 9;
    private const uint Nobody = 65534;
    private const int ThreadsTried = 8;
    private const ulong AddressMargin = 256 << 20;
    private const long SpaceBytes = 32 << 20;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    private static bool IsArm64 => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    public static int Run(string[] arguments)
    {
        if (arguments[0] == "core")
        {
            // Threads have it from the one that makes them, and those of the library from this one.
            ulong first = 1;
            _ = LibC.SystemCall(IsArm64 ? 122 : 203, 0, sizeof(ulong), (nint)(&first), 0, 0);
        }

        // Everything is compiled, and the console is there, before there is a limit.
        Report(new Filled());
        var filled = new Filled();
        switch (arguments[0])
        {
            case "threads":
                SetLimit(ProcessLimit, 1);

                // The limit does not hold for root.
                nint setUser = NativeLibrary.GetExport(NativeLibrary.Load("libc.so.6"), "setuid");
                _ = ((delegate* unmanaged<uint, int>)setUser)(Nobody);
                break;
            case "address" when ProcessMemory.ReadUsage(out ProcessMemoryUsage usage).Succeeded:
                // What the collector or the C library give back at this moment is not to be room for a stack.
                SetLimit(AddressLimit, usage.Virtual - AddressMargin);
                break;
            default:
                break;
        }

        Report(filled);
        return 0;
    }

    private static void Report(Filled filled)
    {
        var end = new ManualResetEventSlim();
        bool canHave = CanHaveThreads(end);
        string problem = EndAll(filled, out long missed);
        end.Set();
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{canHave} {problem} {missed}"));
    }

    /// <returns>What was wrong, or "fine".</returns>
    private static string EndAll(Filled filled, out long missed)
    {
        missed = 0;
        try
        {
            MemoryRuntime runtime = filled.Runtime;
            ulong trimmed = runtime.Trim();
            filled.First.Dispose();
            Await(filled.Second.DisposeAsync().AsTask());
            Await(filled.Space.UnmapAsync(filled.Mapped, SpaceBytes));
            Await(filled.Space.DisposeAsync().AsTask());
            RuntimeStatistics now = runtime.GetStatistics(withSpaces: false);
            missed = now.Teardown.InlineWithoutWorker;
            bool addsUp = now.CommittedBytes == now.InUseBytes + now.RetainedBytes + now.ReleasingBytes && now.ReleasingBytes == 0;
            Await(runtime.DisposeAsync().AsTask());
            return !addsUp ? "miscounted" : trimmed >= Filled.FreeBlocks * 2UL << 20 ? "fine" : $"trimmed-{trimmed}";
        }
        catch (Exception problem)
        {
            return (problem.GetType().Name + ":" + problem.Message).Replace(' ', '_');
        }
    }

    private static void Await(Task task)
    {
        if (!task.Wait(s_timeout))
        {
            throw new TimeoutException("An end does not end.");
        }
    }

    /// <summary>Asks for a few threads that stay until the end: the C library keeps the stack of the last one that ended, and gives it to the next.</summary>
    private static bool CanHaveThreads(ManualResetEventSlim end)
    {
        try
        {
            for (int i = 0; i < ThreadsTried; i++)
            {
                new Thread(end.Wait, maxStackSize: 256 << 10) { IsBackground = true }.Start();
            }

            return true;
        }
        catch (Exception problem) when (problem is OutOfMemoryException or ThreadStartException)
        {
            return false;
        }
    }

    private static void SetLimit(int resource, ulong value)
    {
        ulong* limits = stackalloc ulong[2];
        (limits[0], limits[1]) = (value, value);
        _ = LibC.SystemCall(IsArm64 ? 261 : 302, 0, resource, (nint)limits, 0, 0);
    }

    /// <summary>A runtime with something of everything that is released in steps.</summary>
    private sealed class Filled
    {
        public const int FreeBlocks = 60;

        public Filled()
        {
            Runtime = new MemoryRuntime(new MemoryRuntimeOptions
            {
                CapacityBytes = 512 << 20,
                BackgroundTrim = false,
                Teardown = new TeardownOptions { MaxActive = 2, InlineFloorBytes = 1 << 20, MinimumGain = 0, StepTime = TimeSpan.FromMilliseconds(1) },
            });
            (First, Second, Space) = (Runtime.CreateHeap(), Runtime.CreateHeap(), Runtime.CreateAddressSpace());
            Fill(First);
            Fill(Second);
            Fill(Runtime.Heap);
            Mapped = Space.Map(SpaceBytes, Protection.ReadWrite);
            for (long at = Mapped; at < Mapped + SpaceBytes; at += 4096)
            {
                Space.Write(at, at);
            }

            var blocks = new Pfn[FreeBlocks];
            if (Runtime.Frames.AllocateBulk(Order.Huge, FrameFlags.None, blocks) != blocks.Length)
            {
                throw new InvalidOperationException("The zone is too small.");
            }

            foreach (Pfn block in blocks)
            {
                new Span<byte>(Runtime.Frames.Zone.AddressOf(block), 2 << 20).Fill(1);
            }

            Runtime.Frames.FreeBulk(blocks, Order.Huge);
        }

        public MemoryRuntime Runtime { get; }

        public NativeHeap First { get; }

        public NativeHeap Second { get; }

        public AddressSpace Space { get; }

        public long Mapped { get; }

        private static void Fill(NativeHeap heap)
        {
            for (int i = 0; i < 6; i++)
            {
                new Span<byte>(heap.Alloc(8 << 20), 8 << 20).Fill(1);
            }
        }
    }
}
