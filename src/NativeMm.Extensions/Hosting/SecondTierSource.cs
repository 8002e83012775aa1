using Microsoft.Extensions.Caching.Distributed;

namespace NativeMm.Extensions;

/// <summary>Where the second tier comes from.</summary>
/// <param name="Make">Gives it.</param>
internal sealed record SecondTierSource(Func<IServiceProvider, IDistributedCache> Make);
