namespace NativeMm.Reporting;

/// <summary>Somebody who does a little work again and again in the background.</summary>
internal interface IBackgroundPass
{
    /// <summary>Does the work of one beat.</summary>
    /// <returns>Time until the next one.</returns>
    TimeSpan RunPass();
}
