using NativeMm.AddressSpaces;

namespace NativeMm.Tests.Faulty.Runtime;

/// <content>Address spaces.</content>
internal sealed unsafe partial class GiveBackVerbs
{
    private const int SpacePages = 600;
    private const long SpaceAddress = 1L << 30;

    private AddressSpace Space()
    {
        AddressSpace space = Own(_runtime.CreateAddressSpace());
        space.Map(SpacePages * AddressSpace.PageBytes, Protection.ReadWrite, MapFlags.Fixed, SpaceAddress);
        for (long page = 0; page < SpacePages; page++)
        {
            space.Write(SpaceAddress + (page * AddressSpace.PageBytes), (byte)1);
        }

        return space;
    }

    private Action UnmapAreas()
    {
        AddressSpace space = Space();
        return () =>
        {
            space.Unmap(SpaceAddress + (10 * AddressSpace.PageBytes), 20 * AddressSpace.PageBytes);
            space.Unmap(SpaceAddress, SpacePages * AddressSpace.PageBytes);
        };
    }

    private Action DisposeForked()
    {
        AddressSpace space = Space();
        AddressSpace fork = Own(space.Fork());
        fork.Write(SpaceAddress, (byte)2);
        return () =>
        {
            space.Dispose();
            fork.Dispose();
        };
    }
}
