namespace NativeMm.Explorer.Machine;

/// <summary>When each strand last read and wrote each eight bytes in an execution, for who asks which steps commute.</summary>
internal static class Touches
{
    private const int TableBits = 17;
    private const int TableSize = 1 << TableBits;
    private const int GranuleShift = 3;

    private static readonly Entry[] s_entries = new Entry[TableSize];
    private static int s_epoch;
    private static int s_count;

    /// <summary>Forgets all.</summary>
    public static void Reset()
    {
        s_epoch++;
        s_count = 0;
    }

    /// <summary>A strand touches bytes.</summary>
    /// <param name="address">The first one.</param>
    /// <param name="size">How many; 0 for a reference.</param>
    /// <param name="strand">Who.</param>
    /// <param name="isWrite">Whether it writes.</param>
    /// <param name="step">The step that it belongs to.</param>
    public static void Note(nuint address, int size, int strand, bool isWrite, int step)
    {
        nuint last = (address + (nuint)Math.Max(size, 1) - 1) >> GranuleShift;
        for (nuint granule = address >> GranuleShift; granule <= last; granule++)
        {
            ref Entry entry = ref s_entries[Find(granule)];
            if (entry.Epoch != s_epoch)
            {
                if (++s_count > TableSize / 2)
                {
                    throw new InvalidOperationException("A case touches more memory than the model has room for: make it smaller, or search all of it.");
                }

                entry = new Entry { Granule = granule, Epoch = s_epoch };
            }

            (isWrite ? ref entry.Written : ref entry.Read)[strand] = step;
        }
    }

    /// <summary>Whether another strand touched bytes after a step in a way that does not commute.</summary>
    /// <param name="address">One of the bytes.</param>
    /// <param name="strand">Who asks.</param>
    /// <param name="isWrite">Whether he writes.</param>
    /// <param name="after">The step.</param>
    public static bool AreOthers(nuint address, int strand, bool isWrite, int after)
    {
        ref Entry entry = ref s_entries[Find(address >> GranuleShift)];
        for (int i = 0; entry.Epoch == s_epoch && i < Views.Clocks; i++)
        {
            if (i != strand && (entry.Written[i] > after || (isWrite && entry.Read[i] > after)))
            {
                return true;
            }
        }

        return false;
    }

    private static int Find(nuint granule)
    {
        int slot = (int)((granule * 0x9E37_79B9_7F4A_7C15) >> (64 - TableBits));
        while (s_entries[slot].Epoch == s_epoch && s_entries[slot].Granule != granule)
        {
            slot = (slot + 1) & (TableSize - 1);
        }

        return slot;
    }

    private struct Entry
    {
        public nuint Granule;
        public int Epoch;
        public Steps Read;
        public Steps Written;
    }

    [System.Runtime.CompilerServices.InlineArray(Views.Clocks)]
    private struct Steps
    {
        private int _first;
    }
}
