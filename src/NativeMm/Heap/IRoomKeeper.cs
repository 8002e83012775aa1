namespace NativeMm.Heap;

/// <summary>Who knows what else counts against the limit of a container that a block from the operating system counts against.</summary>
internal interface IRoomKeeper
{
    /// <summary>
    /// Gives back what nobody uses, if there would be too much with the block that is about to be mapped, or with what one grows by. Called without a lock of the heap, and perhaps under some
    /// lock of the heap's user. Never fails.
    /// </summary>
    /// <param name="bytes">What is mapped anew.</param>
    void MakeRoom(nuint bytes);
}
