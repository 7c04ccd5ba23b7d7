using System.Threading.Tasks;

namespace Ons
{
    /// <summary>
    /// Called for each message, on up to <c>ConsumeThreadNums</c> threads of the library at once. An exception counts as
    /// <see cref="ConsumeAction.ReconsumeLater"/>.
    /// </summary>
    public delegate ConsumeAction MessageListener(Message message);

    /// <summary>
    /// A listener that awaits. The library's thread waits for it, so <c>ConsumeThreadNums</c> also limits how many run at once.
    /// </summary>
    public delegate Task<ConsumeAction> AsyncMessageListener(Message message);
}
