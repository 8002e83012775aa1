namespace NativeMm.Eviction;

/// <summary>How a replacement policy finds out whether an item was used.</summary>
internal interface IAccessProbe
{
    /// <summary>
    /// Says whether the item was used since the last call about it, and forgets it. Called in the order of the numbers, so that whoever answers may look
    /// ahead. Of an item that was just inserted it may say either.
    /// </summary>
    /// <param name="number">An item that was in when the policy looked; another thread may have removed it since.</param>
    bool TestAndClear(uint number);
}
