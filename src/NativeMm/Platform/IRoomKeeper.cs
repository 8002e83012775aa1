namespace NativeMm.Platform;

/// <summary>Who knows what else counts against the limit of a container that memory from the operating system counts against.</summary>
internal interface IRoomKeeper
{
    /// <summary>
    /// Gives back what nobody uses, if there would be too much with what is about to be mapped, with what a block grows by, or with frames that the system has to find memory for. Called
    /// without a lock of the library, and perhaps under some lock of its user. Never fails.
    /// </summary>
    /// <param name="bytes">What is mapped or backed anew.</param>
    void MakeRoom(nuint bytes);

    /// <summary>Follows each <see cref="MakeRoom"/>, once the memory is counted where it belongs, or was not to be had.</summary>
    /// <param name="bytes">As many as were asked for.</param>
    void NoteTaken(nuint bytes);
}
