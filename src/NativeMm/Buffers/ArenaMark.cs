namespace NativeMm.Buffers;

/// <summary>A place in an <see cref="Arena"/> to go back to. Taken by <see cref="Arena.Mark"/>.</summary>
public readonly struct ArenaMark
{
    internal ArenaMark(Arena arena, int index, ulong id)
    {
        Arena = arena;
        Index = index;
        Id = id;
    }

    internal Arena? Arena { get; }

    internal int Index { get; }

    internal ulong Id { get; }
}
