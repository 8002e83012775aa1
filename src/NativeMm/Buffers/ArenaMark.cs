namespace NativeMm.Buffers;

/// <summary>A place in an <see cref="Arena"/> to go back to. Taken by <see cref="Arena.Mark"/>.</summary>
public readonly struct ArenaMark
{
    internal ArenaMark(Arena arena, int index, ulong id, long order)
    {
        Arena = arena;
        Index = index;
        Id = id;
        Order = order;
    }

    internal Arena? Arena { get; }

    internal int Index { get; }

    internal ulong Id { get; }

    /// <summary>How many marks that count were taken at the place before it.</summary>
    internal long Order { get; }
}
