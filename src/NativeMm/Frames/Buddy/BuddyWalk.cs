namespace NativeMm.Frames;

/// <summary>How far a reporter came in its walk over the free lists, from the largest order to the smallest that it reports.</summary>
/// <param name="order">The order to begin with.</param>
internal struct BuddyWalk(int order)
{
    /// <summary>Order of the list that is next.</summary>
    public int Order { get; private set; } = order;

    /// <summary>Kind of that list.</summary>
    public BlockKind Kind { get; private set; }

    /// <summary>Blocks of that list that are still to be looked at; negative when the list was not begun.</summary>
    public long Remaining { get; set; } = -1;

    /// <summary>Goes on with the next list.</summary>
    public void MoveOn()
    {
        bool isLastKind = (int)Kind == BuddyLists.Kinds - 1;
        Order -= isLastKind ? 1 : 0;
        Kind = isLastKind ? default : Kind + 1;
        Remaining = -1;
    }
}
