namespace NativeMm.AddressSpaces;

/// <summary>Frames that a pin holds, each by a pin or by a mapping.</summary>
internal sealed class PinnedFrames(int capacity)
{
    private const nuint MappingBit = 1;

    private readonly nuint[] _frames = new nuint[capacity];

    /// <summary>How many.</summary>
    public int Count { get; private set; }

    /// <summary>Pages that it stands for: the zero page needs no hold.</summary>
    public int Pages => _frames.Length;

    /// <summary>Adds one that is held by a pin.</summary>
    public void AddPin(nuint address) => _frames[Count++] = address;

    /// <summary>Adds one that is held by a mapping, so that nobody writes to it.</summary>
    public void AddMapping(nuint address) => _frames[Count++] = address | MappingBit;

    /// <summary>Lets all go.</summary>
    public void Release(PageTables tables)
    {
        for (int i = 0; i < Count; i++)
        {
            if ((_frames[i] & MappingBit) != 0)
            {
                tables.DropMapping(_frames[i] & ~MappingBit);
            }
            else
            {
                tables.DropPin(_frames[i]);
            }
        }

        Count = 0;
    }
}
