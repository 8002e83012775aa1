using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>The end.</content>
public sealed partial class AddressSpace
{
    private SleepLock _endLock;
    private bool _released;

    /// <summary>
    /// Unmaps everything and gives all memory back. Faults in flight, changes of the layout and whoever looks are waited for; who comes later gets an
    /// <see cref="ObjectDisposedException"/>. A second call waits for the first and does nothing. Never fails, and allocates no managed memory.
    /// </summary>
    public void Dispose()
    {
        _layout.End();
        using (_endLock.EnterScope())
        {
            if (!_released)
            {
                EndAccess();
                _faults.End();
                _tables.Dispose();
                _layout.Release();
                _released = true;
            }
        }
    }
}
