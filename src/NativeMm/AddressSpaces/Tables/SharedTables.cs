using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>
/// Tables that stand where there is none, and the page that is all zero. An upper entry is always the address of a table of the next level, and which of
/// these it is says the state, so a walk asks nothing on its way down. Their content never changes, and they are never freed.
/// </summary>
internal static unsafe class SharedTables
{
    /// <summary>Entries of a table.</summary>
    public const int Entries = 512;

    private const int Pages = 6;

    private static readonly nuint s_base = Reserve();

    /// <summary>A leaf of which no page is populated.</summary>
    public static ulong* EmptyLeaf => (ulong*)s_base;

    /// <summary>The leaf of a range that is being collapsed: every access waits.</summary>
    public static ulong* CollapsingLeaf => (ulong*)(s_base + (4 * Pfn.FrameBytes));

    /// <summary>The page of zeros. Nothing may write to it.</summary>
    public static nuint ZeroPage => s_base + (5 * Pfn.FrameBytes);

    /// <summary>The table that stands for none at a level.</summary>
    /// <param name="level">0 for leaves, 3 for the root.</param>
    public static ulong* Empty(int level)
    {
        Invariant.Assert(level is >= 0 and <= PageTables.RootLevel, $"A table of level {level} is empty.");
        return (ulong*)(s_base + ((nuint)level * Pfn.FrameBytes));
    }

    /// <summary>Whether an entry is one of these tables'.</summary>
    public static bool Contains(ulong* entry) => (nuint)entry - s_base < Pages * Pfn.FrameBytes;

    [SuppressMessage("Usage", "CA2201:Do not raise reserved exception types", Justification = "There is no memory.")]
    private static nuint Reserve()
    {
        IMemoryPlatform platform = SystemPlatform.Current;
        PlatformResult result = platform.Reserve(Pages * Pfn.FrameBytes, platform.PageBytes, out nuint address);
        if (!result.Succeeded)
        {
            throw new OutOfMemoryException($"The system refuses {Pages * Pfn.FrameBytes} bytes for the shared page tables: {result}.{ResourceLimits.ExplainAddresses()}");
        }

        for (int level = 0; level < 4; level++)
        {
            ulong below = level == 0 ? LeafEntry.Empty.Word : address + ((nuint)(level - 1) * Pfn.FrameBytes);
            new Span<ulong>((void*)(address + ((nuint)level * Pfn.FrameBytes)), Entries).Fill(below);
        }

        new Span<ulong>((void*)(address + (4 * Pfn.FrameBytes)), Entries).Fill(LeafEntry.Collapsing.Word);
        return address;
    }
}
