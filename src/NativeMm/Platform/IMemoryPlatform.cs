namespace NativeMm.Platform;

/// <summary>
/// The operating system, as far as memory goes. Every call returns its error number as a result; none throws. Thread-safe.
/// Addresses and lengths are multiples of <see cref="PageBytes"/> unless said otherwise; a platform refuses others with EINVAL.
/// </summary>
internal interface IMemoryPlatform
{
    /// <summary>What this system can do.</summary>
    PlatformCapabilities Capabilities { get; }

    /// <summary>Bytes of one hardware page.</summary>
    nuint PageBytes { get; }

    /// <summary>
    /// Reserves a readable and writable range that reads as zero; the system commits it page by page when it is touched.
    /// </summary>
    /// <param name="bytes">Length; rounded up to whole pages.</param>
    /// <param name="alignment">Power of two, at least a page.</param>
    /// <param name="address">First byte, or 0 on failure.</param>
    PlatformResult Reserve(nuint bytes, nuint alignment, out nuint address);

    /// <summary>
    /// Reserves a range like <see cref="Reserve"/> that may be used only as far as it was opened. What was not is address space alone: no crash dump
    /// holds it, no <c>mlockall</c> makes it resident, and no limit on committed or data memory counts it. A platform that cannot tell the two
    /// apart reserves all of it open.
    /// </summary>
    /// <param name="bytes">Length; rounded up to whole pages.</param>
    /// <param name="alignment">Power of two, at least a page.</param>
    /// <param name="readable">Whether what is closed may be read, as zero, all the same.</param>
    /// <param name="address">First byte, or 0 on failure.</param>
    PlatformResult ReserveClosed(nuint bytes, nuint alignment, bool readable, out nuint address) => Reserve(bytes, alignment, out address);

    /// <summary>
    /// Reserves a table whose address the compiler makes a constant of. x64 code names an address below 2 GiB inside an instruction and takes another one
    /// for any other address, so a platform that can puts it there.
    /// </summary>
    /// <param name="bytes">Length; rounded up to whole pages.</param>
    /// <param name="closed">Whether it can only be read, as zero, until it is opened; otherwise it can be written at once.</param>
    /// <param name="address">First byte, or 0 on failure.</param>
    PlatformResult ReserveTable(nuint bytes, bool closed, out nuint address) =>
        closed ? ReserveClosed(bytes, PageBytes, readable: true, out address) : Reserve(bytes, PageBytes, out address);

    /// <summary>
    /// Opens a piece of a range from <see cref="ReserveClosed"/> or <see cref="MapFileClosed"/>, or does nothing where it is open. Pieces that touch each other share one entry in the table
    /// of mappings. A refusal is a refusal of memory; some of the piece may be open then.
    /// </summary>
    PlatformResult Open(nuint address, nuint bytes) => PlatformResult.Success;

    /// <summary>Gives a whole range from <see cref="Reserve"/>, <see cref="ReserveClosed"/> or <see cref="Resize"/> back.</summary>
    PlatformResult Release(nuint address, nuint bytes);

    /// <summary>Grows or shrinks a whole reserved range, moving it if it must; the content moves along.</summary>
    PlatformResult Resize(nuint address, nuint bytes, nuint newBytes, out nuint newAddress);

    /// <summary>Commits pages ahead of their first touch.</summary>
    PlatformResult Commit(nuint address, nuint bytes);

    /// <summary>Gives the pages of a range back; the addresses stay reserved.</summary>
    PlatformResult Discard(nuint address, nuint bytes, DiscardMode mode);

    /// <summary>Gives the pages of many ranges back, with as few calls as the system allows.</summary>
    PlatformResult Discard(ReadOnlySpan<AddressRange> ranges, DiscardMode mode);

    /// <summary>Asks for huge pages behind a range, or asks for none.</summary>
    PlatformResult AdviseHugePages(nuint address, nuint bytes, bool enabled);

    /// <summary>Allows or forbids any access to a range; a forbidden access kills the process.</summary>
    PlatformResult Protect(nuint address, nuint bytes, bool accessible);

    /// <summary>Counts the pages of a range that are in memory.</summary>
    PlatformResult CountResident(nuint address, nuint bytes, out nuint pages);

    /// <summary>Makes an anonymous file whose pages can be mapped more than once.</summary>
    PlatformResult CreateMemoryFile(string name, nuint bytes, out int file);

    /// <summary>Closes a file made by <see cref="CreateMemoryFile"/>. Existing mappings stay.</summary>
    PlatformResult CloseFile(int file);

    /// <summary>Maps a piece of a file, shared. <paramref name="at"/> 0 lets the system choose; else whatever was mapped there is replaced.</summary>
    PlatformResult MapFile(int file, nuint offset, nuint bytes, nuint at, out nuint address);

    /// <summary>As <see cref="MapFile"/>, closed as <see cref="ReserveClosed"/> says.</summary>
    PlatformResult MapFileClosed(int file, nuint offset, nuint bytes, nuint at, out nuint address) => MapFile(file, offset, bytes, at, out address);

    /// <summary>Removes a mapping made by <see cref="MapFile"/>.</summary>
    PlatformResult Unmap(nuint address, nuint bytes);

    /// <summary>
    /// Replaces whatever is mapped in a range by an inaccessible reservation. When this returns, no processor has a translation of the range left.
    /// </summary>
    PlatformResult Revoke(nuint address, nuint bytes);

    /// <summary>
    /// Makes pages of a mapping inaccessible without another entry in the table of mappings. A new mapping at the addresses ends it. Older systems
    /// answer EINVAL.
    /// </summary>
    PlatformResult InstallGuard(nuint address, nuint bytes);

    /// <summary>Mappings that the process may have, 0 if the system has no such limit or does not tell.</summary>
    int MappingsMax { get; }

    /// <summary>Counts the mappings that the process has, 0 if the system does not tell. Slow: a few milliseconds for each ten thousand.</summary>
    int CountMappings() => 0;

    /// <summary>Gives the pages of a piece of a file back.</summary>
    PlatformResult PunchHole(int file, nuint offset, nuint bytes);

    /// <summary>
    /// Finds where the system's own areas meet inside a range: a call about several areas at once takes the lock of the whole map. Takes no managed
    /// memory; as slow as <see cref="CountMappings"/>.
    /// </summary>
    /// <param name="address">First byte.</param>
    /// <param name="bytes">Length.</param>
    /// <param name="borders">Where the borders go, in ascending order; none at the ends of the range.</param>
    /// <returns>How many were found; 0 if the system does not tell. As many as fit mean that there may be more.</returns>
    int FindBorders(nuint address, nuint bytes, Span<nuint> borders) => 0;
}
