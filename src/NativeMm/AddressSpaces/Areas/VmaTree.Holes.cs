using NativeMm.Diagnostics;

namespace NativeMm.AddressSpaces;

/// <content>Where nothing is mapped.</content>
internal sealed unsafe partial class VmaTree
{
    /// <summary>The first hole with so many pages behind a page. As <see cref="FirstBehind(ulong)"/>.</summary>
    /// <param name="within">Where to look; a hole that begins before it begins there.</param>
    /// <param name="pages">Pages that the hole has at least, 1 or more.</param>
    /// <param name="hole">The hole, from the area before it to the area behind it.</param>
    public bool TryFindHole(VpnRange within, ulong pages, out VpnRange hole)
    {
        Invariant.Assert(pages != 0 && !within.IsEmpty, $"A hole of {pages} pages is looked for within {within}.");
        ulong end = within.Start;
        return (_working != null && TryFindHole(_working, within.End, pages, ref end, out hole)) || IsRoom(end, within.End, pages, out hole);
    }

    /// <summary>Looks at the holes before each area below a node.</summary>
    /// <param name="node">The node.</param>
    /// <param name="limit">Where to stop.</param>
    /// <param name="pages">Pages that the hole has at least.</param>
    /// <param name="end">Where the last area ended that was passed; moves along.</param>
    /// <param name="hole">The hole.</param>
    private static bool TryFindHole(VmaNode* node, ulong limit, ulong pages, ref ulong end, out VpnRange hole)
    {
        for (int place = node->FirstBehind(end); place < node->Count; place++)
        {
            if (IsRoom(end, ulong.Min(node->Starts[place], limit), pages, out hole))
            {
                return true;
            }

            if (node->Height > 0 && node->Gaps[place] >= pages
                && TryFindHole((VmaNode*)node->Children[place], limit, pages, ref end, out hole))
            {
                return true;
            }

            end = ulong.Max(end, node->Ends[place]);
        }

        hole = default;
        return false;
    }

    private static bool IsRoom(ulong start, ulong end, ulong pages, out VpnRange hole)
    {
        hole = new VpnRange(start, end);
        return end > start && end - start >= pages;
    }
}
