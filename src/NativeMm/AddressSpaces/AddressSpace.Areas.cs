namespace NativeMm.AddressSpaces;

/// <content>Who looks at the areas.</content>
public sealed partial class AddressSpace
{
    /// <summary>The areas in order, as they are at one moment.</summary>
    /// <returns>A copy of that moment; empty when nothing is mapped.</returns>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public IReadOnlyList<AreaInfo> GetAreas()
    {
        // Under the lock no managed memory is asked for, so the room is there before.
        AreaSpec[] areas = [];
        int count;
        while ((count = _layout.CopyAreas(areas)) > areas.Length)
        {
            areas = new AreaSpec[count + (count / 8)];
        }

        return Array.ConvertAll(areas[..count], InfoOf);
    }

    /// <summary>The area that an address lies in, or, if none, the first one behind it (Linux: <c>find_vma</c>).</summary>
    /// <param name="address">An address.</param>
    /// <param name="area">The area.</param>
    /// <returns>Whether there is one at or behind the address.</returns>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public bool TryFindArea(long address, out AreaInfo area)
    {
        bool found = _layout.TryFindBehind((ulong)long.Max(address, 0) >> PageShift, out AreaSpec spec);
        area = found ? InfoOf(spec) : default;
        return found;
    }

    private static AreaInfo InfoOf(AreaSpec area) => new(
        (long)area.Pages.Start << PageShift, (long)area.Pages.Pages << PageShift, area.Protection, FlagsOf(area.Flags));
}
