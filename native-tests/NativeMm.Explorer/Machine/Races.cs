// Purpose      finds two accesses of plain memory, one of them a write, that nothing orders.
// How          for each word of four bytes: who wrote it last and when, on his own clock, and when each strand read it last. An access is ordered
//              behind another one if its strand's view has reached the other's clock.
// Atomic words plain accesses of a word that is also used atomically are races only if there is a store that the strand does not know: the model lets
//              a plain read see the newest store, and it might see an older one.
// Left out     the strands' own stacks; copies of whole blocks.
// Source       Flanagan and Freund 2009, "FastTrack", without its compression.

namespace NativeMm.Explorer.Machine;

/// <summary>The history of plain memory in an execution.</summary>
internal static unsafe class Races
{
    private const int TableSize = 1 << 14;
    private static readonly Entry[] s_entries = new Entry[TableSize];
    private static int s_epoch;
    private static int s_count;

    /// <summary>Whether the case wants to know.</summary>
    public static bool AreWatched { get; set; }

    /// <summary>Forgets all.</summary>
    public static void Reset()
    {
        s_epoch++;
        s_count = 0;
    }

    /// <summary>The strand that runs reads or writes.</summary>
    /// <param name="address">Where.</param>
    /// <param name="site">The place in the source, and in the upper half the number of bytes.</param>
    /// <param name="isWrite">Which.</param>
    public static void Access(nuint address, int site, bool isWrite)
    {
        if (Lines.AreCounted)
        {
            Lines.Touch(address, isWrite);
        }

        if (address - Fibers.StacksBegin < Fibers.StacksEnd - Fibers.StacksBegin)
        {
            return;
        }

        int size = site >> 16;
        if (!AreWatched)
        {
            Execution.NotePlain(address, size, isWrite);
            return;
        }

        Strand strand = Execution.Current;
        if (Execution.IsAtomic(address, out bool isKnown))
        {
            if (!isKnown)
            {
                Execution.Fail($"race: {strand.Name} {(isWrite ? "writes" : "reads")} plainly what another one stored, {Place(site)}");
            }

            return;
        }

        // A part of a word is told from the whole word: neighbours in a word are no race.
        for (nuint at = size < sizeof(uint) ? address | ((nuint)1 << 63) : address; size > 0; at += sizeof(uint), size -= sizeof(uint))
        {
            Access(ref Find(at), strand, site, isWrite);
        }
    }

    private static void Access(ref Entry entry, Strand strand, int site, bool isWrite)
    {
        short* view = strand.View;
        int self = strand.Number;
        if (entry.Writer >= 0 && entry.Writer != self && view[entry.Writer] < entry.Written)
        {
            Fail(strand, isWrite, site, Execution.Strands[entry.Writer], "wrote", entry.WriteSite);
        }

        if (!isWrite)
        {
            entry.Reads[self] = view[self];
            entry.ReadSites[self] = (ushort)site;
            return;
        }

        for (int i = 0; i < Execution.Strands.Length; i++)
        {
            if (i != self && view[i] < entry.Reads[i])
            {
                Fail(strand, isWrite, site, Execution.Strands[i], "read", entry.ReadSites[i]);
            }
        }

        (entry.Writer, entry.Written, entry.WriteSite) = ((sbyte)self, view[self], (ushort)site);
    }

    private static void Fail(Strand strand, bool isWrite, int site, Strand other, string what, int otherSite) =>
        Execution.Fail($"race: {strand.Name} {(isWrite ? "writes" : "reads")}, {Place(site)}, what {other.Name} {what}, {Place(otherSite)}");

    private static string Place(int site)
    {
        (_, string place, string text) = Sites.Describe(site & 0xFFFF);
        return $"{place} `{text}`";
    }

    private static ref Entry Find(nuint address)
    {
        int slot = (int)((address >> 2) * 0x9E3779B1u >> 7) & (TableSize - 1);
        while (s_entries[slot].Epoch == s_epoch && s_entries[slot].Address != address)
        {
            slot = (slot + 1) & (TableSize - 1);
        }

        ref Entry entry = ref s_entries[slot];
        if (entry.Epoch != s_epoch)
        {
            if (++s_count > TableSize / 2)
            {
                throw new InvalidOperationException("A case touches more plain memory than the model has room for: make it smaller.");
            }

            entry = new Entry { Address = address, Epoch = s_epoch, Writer = -1 };
        }

        return ref entry;
    }

    private struct Entry
    {
        public nuint Address;
        public int Epoch;
        public short Written;
        public ushort WriteSite;
        public sbyte Writer;
        public fixed short Reads[Views.Clocks];
        public fixed ushort ReadSites[Views.Clocks];
    }
}
