using System.Globalization;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// Reports 40 holes of 64 KiB with MADV_DONTNEED, twice, on a kernel that refuses a system call. Arguments: "process_madvise" or "pidfd_open",
/// and the error number with which it is refused. Prints, for both times together, the reported bytes, the device's failures, resident pages of
/// the holes and of the blocks between them, and how many of those changed. Exit code 4 when calls cannot be refused here.
/// </summary>
internal static unsafe class ReportingSystemCallScenario
{
    private const int Holes = 40;
    private static readonly Order s_order = new(4);

    public static int Run(string[] arguments)
    {
        int call = arguments[0] == "pidfd_open" ? SystemCallNumbers.PidFdOpen : SystemCallNumbers.ProcessMemoryAdvise;
        if (!SystemCallFilter.TryRefuse(call, int.Parse(arguments[1], CultureInfo.InvariantCulture)))
        {
            return 4;
        }

        if (!FrameZone.TryCreate(SystemPlatform.Current, ZoneKind.Normal, 32 << 20, out FrameZone? zone).Succeeded)
        {
            return 3;
        }

        using FrameZone owned = zone!;
        using var frames = new LockFreeFrameAllocator(owned);
        using var reporter = new PageReporter(frames, new PageReporterOptions());
        reporter.Register(new MadviseDevice());
        ulong reported = 0;
        nuint ofHoles = 0;
        nuint ofLive = 0;
        int changed = 0;
        for (int round = 0; round < 2; round++)
        {
            var blocks = new Pfn[2 * Holes];
            frames.AllocateBulk(s_order, FrameFlags.None, blocks);
            Array.Sort(blocks);
            Array.ForEach(blocks, block => Content(owned, block).Fill(0xAB));
            for (int i = 0; i < blocks.Length; i += 2)
            {
                frames.Free(blocks[i], s_order);
            }

            reported += reporter.ReportNow();
            for (int i = 0; i < blocks.Length; i += 2)
            {
                ofHoles += Resident(owned, blocks[i]);
                ofLive += Resident(owned, blocks[i + 1]);
                changed += Content(owned, blocks[i + 1]).ContainsAnyExcept((byte)0xAB) ? 1 : 0;
            }
        }

        Console.Out.WriteLine($"{reported} {reporter.GetStatistics().DeviceFailures} {ofHoles} {ofLive} {changed}");
        return 0;
    }

    private static Span<byte> Content(FrameZone zone, Pfn block) => new(zone.AddressOf(block), (int)s_order.Bytes);

    private static nuint Resident(FrameZone zone, Pfn block) =>
        SystemPlatform.Current.CountResident(zone.BaseAddress + block.Offset, s_order.Bytes, out nuint pages).Succeeded ? pages : nuint.MaxValue / 256;
}
