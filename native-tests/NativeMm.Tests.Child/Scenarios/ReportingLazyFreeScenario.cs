using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// Reports every second one of 20 written blocks of 2 MiB with MADV_FREE, then writes to everything that is free. Argument: "lock-free",
/// "Rotation" or "Boundary". Prints lazily freed bytes of the process at first, after the report and after writing, and the reported bytes.
/// A process of its own, because the figures are of the whole process.
/// </summary>
internal static unsafe class ReportingLazyFreeScenario
{
    private const int Blocks = 20;

    public static int Run(string[] arguments)
    {
        if (!FrameZone.TryCreate(SystemPlatform.Current, ZoneKind.Normal, 64 << 20, out FrameZone? zone).Succeeded)
        {
            return 3;
        }

        using FrameZone owned = zone!;
        bool isBuddy = Enum.TryParse(arguments[0], out BuddyReportScheme scheme);
        using IFrameAllocator frames = isBuddy ? new BuddyFrameAllocator(owned) : new LockFreeFrameAllocator(owned);
        using var reporter = new PageReporter(frames, new PageReporterOptions { Scheme = scheme, Mode = DiscardMode.WhenNeeded });
        reporter.Register(new MadviseDevice(DiscardMode.WhenNeeded));
        List<Pfn> blocks = [];
        while (blocks.Count < Blocks && frames.TryAllocate(Order.Huge, FrameFlags.None, out Pfn frame, out _))
        {
            Write(owned, frame);
            blocks.Add(frame);
        }

        ulong before = LazyFree();
        blocks.Sort();
        for (int i = 0; i < blocks.Count; i += 2)
        {
            frames.Free(blocks[i], Order.Huge);
        }

        ulong reported = reporter.ReportNow();
        ulong after = LazyFree();
        while (frames.TryAllocate(Order.Huge, FrameFlags.None, out Pfn frame, out _))
        {
            Write(owned, frame);
        }

        Console.Out.WriteLine($"{before} {after} {LazyFree()} {reported}");
        return 0;
    }

    private static void Write(FrameZone zone, Pfn frame) => new Span<byte>(zone.AddressOf(frame), (int)Order.Huge.Bytes).Fill(0xAB);

    private static ulong LazyFree() => ProcessMemory.ReadRollup(out ProcessMemoryRollup rollup).Succeeded ? rollup.LazyFree : ulong.MaxValue;
}
