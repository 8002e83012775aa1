namespace NativeMm.AddressSpaces;

/// <summary>
/// What a change of the layout does to the entries. The caller is the writer of the space: no classic fault runs, nothing is collapsed, and no other verb of
/// these. Speculative faults run: they look at their record's state under the lock of the leaf, so whoever comes to a leaf after the record was
/// detached installs nothing.
/// </summary>
/// <remarks>
/// What is fallible says so by its name, is called before anything has changed, and leaves nothing that can be seen when it fails. The others never
/// fail, and allocate no managed memory. Accesses that hit run beside all of this: a verb that takes pages or rights away returns when no access uses
/// what it took away.
/// </remarks>
internal interface IPageTables
{
    /// <summary>
    /// Makes sure that no entry of 2 MiB lies across the begin of a page, nor comes to lie there until the section of the writer ends: an entry that
    /// does is split, and where a fault could still install one there is a leaf table afterwards.
    /// </summary>
    /// <param name="page">First page behind the boundary.</param>
    /// <param name="mayBeHuge">Whether an area that lies across it is eligible for 2 MiB.</param>
    /// <returns>False without the frame for a table.</returns>
    bool TryPrepareBoundary(ulong page, bool mayBeHuge);

    /// <summary>
    /// Makes the tables that <see cref="Move"/> will write to, and splits what has another place within 2 MiB there. They stay until the section of the writer
    /// ends, also when <see cref="Clear"/> empties them.
    /// </summary>
    /// <param name="source">What is to move.</param>
    /// <param name="destination">First page of where it goes. What is there is cleared before it moves.</param>
    /// <returns>False without the frames for the tables.</returns>
    bool TryPrepareMove(VpnRange source, ulong destination);

    /// <summary>Takes all pages of a range away and frees what nobody else has, and the tables that become empty.</summary>
    void Clear(VpnRange pages);

    /// <summary>
    /// Takes all pages of a range away at once, to be given back by a job that the caller has to run. Accesses and faults may still use them for a moment.
    /// </summary>
    /// <param name="pages">The range.</param>
    /// <param name="release">The job; idle.</param>
    /// <returns>False when it is not worth it, or there is no memory for it: nothing has changed, and <see cref="Clear"/> is to be called.</returns>
    bool TryDetach(VpnRange pages, TableRelease release) => false;

    /// <summary>
    /// Gives the entries of a range another protection. What is taken away is away for hits, too, when this returns; what is given may be found out by the
    /// next fault.
    /// </summary>
    void Protect(VpnRange pages, Protection protection);

    /// <summary>Moves the entries of a range to another place, prepared by <see cref="TryPrepareMove"/>, and frees the tables that become empty.</summary>
    void Move(VpnRange source, ulong destination);

    /// <summary>Makes the pages of a range the first to leave.</summary>
    void Cool(VpnRange pages);

    /// <summary>
    /// Shares all pages of a range with another space, copy on write in both: when this returns no hit of this space writes to a page that the other one
    /// sees. All records of this space are detached, so that a write that meets a shared page waits until the fork is through: what the other space
    /// sees is of one moment.
    /// </summary>
    /// <param name="child">Tables of the other space, of the same kind as these, that nobody uses yet.</param>
    /// <param name="pages">The range, one area.</param>
    /// <returns>False without the frames for the tables; the other space is disposed of then, and pages that are shared with nobody are not lost.</returns>
    bool TryCopyTo(IPageTables child, VpnRange pages);
}
