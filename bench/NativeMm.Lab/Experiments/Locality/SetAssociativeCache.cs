namespace NativeMm.Lab.Experiments.Locality;

/// <summary>A cache on paper: each set forgets what was used longest ago.</summary>
/// <param name="sets">Number of sets, a power of two.</param>
/// <param name="ways">Entries of a set.</param>
internal sealed class SetAssociativeCache(int sets, int ways)
{
    // An entry holds its line plus one, so that 0 means empty. The newest entry of a set comes first.
    private readonly nuint[] _entries = new nuint[sets * ways];

    /// <summary>Accesses that did not find their line.</summary>
    public long Misses { get; private set; }

    /// <summary>Uses a line and remembers it.</summary>
    public void Access(nuint line)
    {
        Span<nuint> set = _entries.AsSpan((int)(line % (nuint)sets) * ways, ways);
        int found = set.IndexOf(line + 1);
        if (found < 0)
        {
            Misses++;
            found = ways - 1;
        }

        set[..found].CopyTo(set[1..]);
        set[0] = line + 1;
    }
}
