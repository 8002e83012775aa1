using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// Touches a byte that a range must not give access to, or must. First argument: guard (the page behind a guarded range), stale (a range that was freed
/// and purged), alias (a map whose frames live on elsewhere, after its purge), hole (never mapped), or inside (the last byte of a guarded range).
/// Second argument, if any: guardless (the system knows no guards) or full (nothing can be cut out when the range goes). Exit code 3: the system lacks
/// what the second one needs.
/// </summary>
internal static unsafe class VmapTouchScenario
{
    private const nuint Page = Pfn.FrameBytes;

    public static int Run(string[] arguments)
    {
        string system = arguments.Length > 1 ? arguments[1] : "";
        var platform = new RefusingPlatform { HasNoGuards = system == "guardless" };
        using var vmap = new VmapAllocator(new VmapOptions { CapacityBytes = 16 << 20 }, platform);
        byte* at = Prepare(vmap, arguments[0], () => platform.IsFull = system == "full");
        if (system == "full" && vmap.GetStatistics().GuardRevokes == 0)
        {
            return 3;
        }

        Console.Out.WriteLine("touching");
        Console.Out.Flush();
        *at = 42;
        Console.Out.WriteLine($"read {*at}");
        return 0;
    }

    private static byte* Prepare(VmapAllocator vmap, string what, Action beforePurge)
    {
        byte* range = (byte*)vmap.Alloc(2 * Page, VmapFlags.Guarded);
        range[(2 * Page) - 1] = 1;
        switch (what)
        {
            case "guard":
                // The frames behind the guard page are somebody's: a write through it would be seen there.
                vmap.Alloc(2 * Page);
                return range + (2 * Page);
            case "stale":
                vmap.Free(range);
                beforePurge();
                vmap.Purge(pools: true);
                return range;
            case "alias":
                byte* alias = (byte*)vmap.Map([vmap.FrameOf(range)]);
                *alias = 2;
                vmap.Unmap(alias);
                beforePurge();
                vmap.Purge();
                return *range == 2 ? alias : range;
            case "hole":
                return range + (1000 * Page);
            default:
                return range + (2 * Page) - 1;
        }
    }
}
